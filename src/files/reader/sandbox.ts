import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemWords } from '../../host/programs/sandbox-system.ts';
import { packageRoot, quickStartFile } from '../../schemas/package.ts';
import type { ReaderKind, SandboxParts } from './kinds/kind.ts';

export interface SandboxOptions {
  readonly kind: Pick<ReaderKind, 'scripts'>;
  readonly parts: SandboxParts;
  /** Folder of the reader: `in` with the sockets of the disks, `out` for what the guest writes. */
  readonly folder: string;
  /** Where this process is root: the user as whom the reader works. */
  readonly as: number | null;
}

/** What answers requests in the sandbox. */
export const agent = quickStartFile('files/guest/agent');

/** Size of a slot without a disk: as large as a disk can be that is plugged into it, bytes. */
export const slotBytes = 64 * 2 ** 40;

/** Where things are in the sandbox. */
export const place = {
  program: '/sendense',
  node: '/sendense/node',
  in: '/in',
  out: '/out',
  init: '/sendense/init',
  main: '/sendense/main',
  registers: '/sendense/uml-registers.so',
};

/**
 * The words of a sandbox with what reads in it. It sees the system's programs, nothing of the repository, no network, no process of
 * ours; it has no rights. Source: bwrap(1).
 */
export function sandboxWords({ kind, parts, folder, as }: SandboxOptions): string[] {
  const code = dirname(dirname(dirname(agent)));
  const size = String(parts.tmpMiB * 2 ** 20);
  const scripts = Object.keys(kind.scripts);
  return [
    ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    as === null ? ['--unshare-user'] : [],
    ['--die-with-parent', '--new-session', '--clearenv', '--hostname', 'reader'],
    ['--proc', '/proc', '--dev', '/dev', ...openFolders()],
    [...systemWords(), '--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ['--perms', '1777', '--size', size, '--tmpfs', '/tmp'],
    ['--ro-bind', realpathSync(process.execPath), place.node],
    ['--ro-bind', join(packageRoot, 'package.json'), join(place.program, 'package.json')],
    ['--ro-bind', code, join(place.program, 'code')],
    scripts.flatMap((name) => ['--ro-bind', join(folder, name), join(place.program, name)]),
    ['--ro-bind', join(folder, 'in'), place.in, '--bind', join(folder, 'out'), place.out],
    ['--setenv', 'PATH', '/usr/sbin:/usr/bin', '--setenv', 'TMPDIR', '/tmp', '--setenv', 'LC_ALL', 'C.UTF-8'],
    ['--chdir', '/', '--cap-drop', 'ALL', ...parts.words],
    ['--', ...parts.command],
  ].flat();
}

/** Folders that the guest mounts on, and ours: bwrap makes them for root alone where nothing is said. */
const openFolders = (): string[] =>
  ['/sys', '/run', '/mnt', '/var', '/etc', place.program].flatMap((folder) => ['--perms', '0755', '--dir', folder]);

/** Words that make what follows them this user, for good. */
export const asUser = (id: number): string[] => [
  'setpriv',
  `--reuid=${id}`,
  `--regid=${id}`,
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
  '--inh-caps=-all',
];
