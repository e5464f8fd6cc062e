import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isProgram } from '../../host/programs/bound-words.ts';
import { runTool } from '../../host/programs/process.ts';
import type { DoctorOutput } from '../../schemas/types.ts';

/** A program that the sandbox or the guest starts. */
interface Requirement {
  readonly program: string;
  /** Debian's. */
  readonly package: string;
  /** What cannot be read without it; null: nothing can. */
  readonly without: string | null;
}

/** All of them. The sandbox has the system's programs and looks for them in these folders. */
const requirements: readonly Requirement[] = [
  { program: 'bwrap', package: 'bubblewrap', without: null },
  { program: 'linux.uml', package: 'user-mode-linux', without: null },
  { program: 'qemu-storage-daemon', package: 'qemu-system-common', without: null },
  { program: 'busybox', package: 'busybox-static', without: null },
  { program: 'setpriv', package: 'util-linux', without: null },
  { program: 'blkid', package: 'util-linux', without: null },
  { program: 'tar', package: 'tar', without: null },
  { program: 'dmsetup', package: 'dmsetup', without: 'disks without a partition table, and encrypted volumes' },
  { program: 'partx', package: 'util-linux', without: 'partition tables for sectors of 4096 bytes' },
  { program: 'getfattr', package: 'attr', without: 'extended attributes in `files stat`' },
  { program: 'lvm', package: 'lvm2', without: 'logical volumes' },
  { program: 'mdadm', package: 'mdadm', without: 'RAID arrays' },
  { program: 'cryptsetup', package: 'cryptsetup-bin', without: 'volumes encrypted with LUKS' },
  { program: 'ntfs-3g', package: 'ntfs-3g', without: 'NTFS' },
  { program: 'mount.exfat-fuse', package: 'exfat-fuse', without: 'exFAT' },
];

const folders = ['/usr/sbin', '/usr/bin'];

const isThere = ({ program }: Requirement): boolean => folders.some((folder) => isProgram(join(folder, program)));

const wrongMachine = (): string | null =>
  process.arch === 'x64' ? null : `User-Mode Linux is there for x86-64 alone, and this is ${process.arch}`;

/**
 * Nothing that every reader needs is missing.
 * @throws SendenseError `files.unavailable`
 */
export function assertCanRead(): void {
  const wrong = wrongMachine();
  if (wrong !== null) throw new SendenseError('files.unavailable', wrong);
  const missing = requirements.filter((one) => one.without === null && !isThere(one));
  if (missing.length === 0) return;
  const names = missing.map(({ program }) => program).join(', ');
  throw new SendenseError('files.unavailable', `${names} ${missing.length === 1 ? 'is' : 'are'} missing`, {
    remedy: `apt install ${packagesOf(missing)}`,
  });
}

const packagesOf = (missing: readonly Requirement[]): string =>
  [...new Set(missing.map((one) => one.package))].join(' ');

type Check = DoctorOutput['checks'][number];

/** What this machine can read, and what it takes to read the rest. Starts a sandbox with nothing in it. */
export async function checkReading(signal?: AbortSignal): Promise<DoctorOutput> {
  const wrong = wrongMachine();
  const checks: Check[] = [
    {
      id: 'machine',
      title: 'Kind of machine',
      result: wrong === null ? 'ok' : 'fail',
      message: wrong ?? 'x86-64',
      remedy:
        wrong === null
          ? null
          : 'Read the files on another machine: `--repository PATH` takes a copy of the repository.',
      code: null,
    },
    ...requirements.map((one): Check => checkOf(one)),
  ];
  if (checks.every(({ result }) => result !== 'fail')) checks.push(await checkSandbox(signal));
  const worst = (['fail', 'warn'] as const).find((wanted) => checks.some(({ result }) => result === wanted));
  return { version: 1, result: worst ?? 'ok', checks };
}

function checkOf(one: Requirement): Check {
  const { program, without } = one;
  const there = isThere(one);
  return {
    id: `program.${program.replaceAll('_', '-')}`,
    title: program,
    result: there ? 'ok' : without === null ? 'fail' : 'warn',
    message: there
      ? 'is there'
      : without === null
        ? 'is missing, and nothing can be read'
        : `is missing: Sendense cannot read ${without}`,
    remedy: there ? null : `apt install ${one.package}`,
    code: null,
  };
}

/** As `sandboxWords`, with nothing to do. */
async function checkSandbox(signal?: AbortSignal): Promise<Check> {
  const user = process.geteuid?.() === 0 ? [] : ['--unshare-user'];
  const words = [
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    ...user,
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    'true',
  ];
  const { exitCode, stderr } = await runTool('bwrap', words, { allowFailure: true, timeoutMs: 10_000, signal });
  return {
    id: 'sandbox',
    title: 'Sandbox',
    result: exitCode === 0 ? 'ok' : 'fail',
    message: exitCode === 0 ? 'can be made' : `cannot be made: ${stderr.trim()}`,
    remedy:
      exitCode === 0
        ? null
        : 'Let users make namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu an AppArmor profile for bwrap. In a container, run it with the rights for that.',
    code: null,
  };
}
