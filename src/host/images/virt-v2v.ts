import { constants } from 'node:fs';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../files/files.ts';
import { programFile } from '../programs/bound-words.ts';
import { tail } from '../programs/process.ts';
import { runInGroup } from '../programs/run-in-group.ts';
import { requireTools } from '../programs/tools.ts';
import { qemuSystem } from './qemu-system.ts';

/** What gives a guest the drivers of KVM. */
export const virtV2v = 'virt-v2v-in-place';

/** Where it finds the disks. */
export const v2vDisks = '/tmp/disks';

/** Drivers for Windows where nobody names other ones. Source: virt-v2v(1), VIRTIO_WIN. */
export const usualVirtioWin = '/usr/share/virtio-win';

/** By these its appliance is found. Source: guestfs(3), supermin(1). */
const passedOn = ['LIBGUESTFS_PATH', 'SUPERMIN_KERNEL', 'SUPERMIN_MODULES'] as const;

/** It says so when all that it changes in the guest is done. Versions are known that fail after that, while they clean up. */
const done = /^\[[ .0-9]+\] Finishing off/m;

const keptText = 64 * 1024;

export interface InPlaceConversion {
  /** The folder of the disks, by a path that leads there. */
  readonly disks: string;
  /** Name of a new folder in it, for temporary files: virt-v2v makes a system of 700 MiB there. The caller removes it. */
  readonly work: string;
  /** The VM as libvirt defines it, with its disks in {@link v2vDisks}. */
  readonly xml: string;
  /** Absolute path of the drivers for Windows; null: the usual place. */
  readonly virtioWin: string | null;
  /** How its own machine runs. */
  readonly accel: 'kvm' | 'tcg';
  readonly signal: AbortSignal;
  onLine(line: string): void;
}

export interface InPlaceResult {
  /** Whether all that it changes in the guest is done; whether that boots is not known yet. */
  readonly finished: boolean;
  /** Exit code, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  /** The end of what it said. */
  readonly said: string;
}

/** @throws SendenseError `tool.missing`, `tool.version` */
export async function requireVirtV2v(signal?: AbortSignal): Promise<void> {
  await requireTools([virtV2v, 'bwrap', qemuSystem], signal);
  if (passedOn.some((name) => process.env[name] !== undefined) || (await hasKernel())) return;
  throw new SendenseError(
    'tool.missing',
    `${virtV2v} starts a small system with a kernel of this machine, and there is none in /boot that this user may read`,
    {
      remedy:
        'Install a kernel (Debian package linux-image-amd64; it need not be the one that runs). Where only root may read it: `chmod a+r /boot/vmlinuz-*`.',
    },
  );
}

/** Source: supermin(1). */
async function hasKernel(): Promise<boolean> {
  const here = await readdir('/boot').catch(() => []);
  const versions = await readdir('/lib/modules').catch(() => []);
  const files = [
    ...here.filter((name) => name.startsWith('vmlinuz')).map((name) => `/boot/${name}`),
    ...versions.map((version) => `/lib/modules/${version}/vmlinuz`),
  ];
  const readable = await Promise.all(
    files.map((file) =>
      access(file, constants.R_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return readable.includes(true);
}

/**
 * Lets virt-v2v-in-place change a guest on its disks. It works in a sandbox that has the machine read-only, no network, and no place to
 * write to but the folder of the disks. All that it starts ends with it, and it ends with this process, however that ends.
 * @throws SendenseError `tool.missing`; on abort the signal's reason
 */
export async function convertInPlace(work: InPlaceConversion): Promise<InPlaceResult> {
  const { xml, signal, onLine } = work;
  const folder = `${work.disks}/${work.work}`;
  for (const path of [folder, `${folder}/tmp`, `${folder}/cache`]) await mkdir(path, { mode: 0o700 });
  await writeFile(`${folder}/tmp/guest.xml`, xml, { mode: 0o600, flag: 'wx' });
  let said = '';
  const lines = eachLine(onLine);
  const hear = (text: string): void => {
    said = (said + text).slice(-keptText);
    lines.add(text);
  };
  const exit = await runInGroup('bwrap', sandboxWords(work), {
    cwd: work.disks,
    env: environment(work),
    signal,
    onStdout: hear,
    onStderr: hear,
  });
  lines.end();
  return { finished: exit === 0 || done.test(said), exit, said: tail(said) };
}

const virtioWinPlace = (file: string): string => `/tmp/virtio-win${file.endsWith('.iso') ? '.iso' : ''}`;

/** What the sandbox has of its own: a program below would not be seen. */
const ownPlaces = /^\/(?:tmp|var\/tmp|dev)\//;

/** It is started in the folder of the disks: that may have another name by now than it had. */
function sandboxWords({ virtioWin, work }: Pick<InPlaceConversion, 'virtioWin' | 'work'>): string[] {
  const program = programFile(virtV2v) ?? virtV2v;
  return [
    ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ['--die-with-parent', '--new-session'],
    ['--ro-bind', '/', '/', '--dev', '/dev', '--dev-bind-try', '/dev/kvm', '/dev/kvm', '--proc', '/proc'],
    ['--bind', `./${work}/tmp`, '/tmp', '--bind', `./${work}/cache`, '/var/tmp', '--bind', '.', v2vDisks],
    virtioWin === null ? [] : ['--ro-bind', virtioWin, virtioWinPlace(virtioWin)],
    ownPlaces.test(program) ? ['--ro-bind', program, program] : [],
    ['--chdir', '/', '--', program, '-i', 'libvirtxml', '/tmp/guest.xml'],
  ].flat();
}

function environment({ virtioWin, accel }: Pick<InPlaceConversion, 'virtioWin' | 'accel'>): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    HOME: '/tmp',
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_BACKEND_SETTINGS: accel === 'kvm' ? 'force_kvm' : 'force_tcg',
    ...(virtioWin === null ? {} : { VIRTIO_WIN: virtioWinPlace(virtioWin) }),
    ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])),
  };
}

/** Whether there are drivers for Windows. @param named by the plan, absolute */
export const hasVirtioWin = (named: string | null): Promise<boolean> => exists(named ?? usualVirtioWin);

const longestLine = 400;
const mostLines = 300;

/** A program that says very much is not heard for ever. */
function eachLine(onLine: (line: string) => void): { add(text: string): void; end(): void } {
  let rest = '';
  let count = 0;
  const tell = (line: string): void => {
    const plain = line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').trim();
    if (plain === '' || ++count > mostLines) return;
    onLine(count === mostLines ? `${virtV2v} says more` : plain.slice(0, longestLine));
  };
  return {
    add(text) {
      const lines = (rest + text).split(/\r?\n/);
      rest = (lines.pop() ?? '').slice(-longestLine);
      for (const line of lines) tell(line);
    },
    end: () => tell(rest),
  };
}
