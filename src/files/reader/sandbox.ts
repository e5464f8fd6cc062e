import { realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { systemWords } from '../../host/programs/sandbox-system.ts';
import { packageRoot, startFile } from '../../schemas/package.ts';
import { slots as usualSlots } from '../protocol.ts';

export interface SandboxOptions {
  /** Folder of the reader: `in` with the sockets of the disks, `out` for what the guest writes. */
  readonly folder: string;
  readonly slots?: number;
  /** Memory of the guest, MiB. */
  readonly memoryMiB: number;
  /** Room for what replaying journals writes, MiB. */
  readonly scratchMiB: number;
  /** Where this process is root: the user as whom the reader works. */
  readonly as: number | null;
}

const agent = startFile('files/guest/agent');

/** Size of a slot without a disk: as large as a disk can be that is plugged into it, bytes. */
export const slotBytes = 64 * 2 ** 40;

/** Where things are in the sandbox. */
const place = {
  program: '/sendense',
  node: '/sendense/node',
  in: '/in',
  out: '/out',
  init: '/sendense/init',
  main: '/sendense/main',
};

/**
 * The words of a sandbox with a kernel of its own in it. It sees the system's programs, nothing of the repository, no network, no process
 * of ours; it has no rights. Source: bwrap(1).
 */
export function sandboxWords({ folder, as, memoryMiB, scratchMiB, slots = usualSlots }: SandboxOptions): string[] {
  const code = dirname(dirname(dirname(agent)));
  const size = String((memoryMiB + scratchMiB + 64) * 2 ** 20);
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
    ['--ro-bind', join(folder, 'init'), place.init, '--ro-bind', join(folder, 'main'), place.main],
    ['--ro-bind', join(folder, 'in'), place.in, '--bind', join(folder, 'out'), place.out],
    ['--setenv', 'PATH', '/usr/sbin:/usr/bin', '--setenv', 'TMPDIR', '/tmp', '--setenv', 'LC_ALL', 'C.UTF-8'],
    [
      '--chdir',
      '/',
      '--cap-drop',
      'ALL',
      ...(as === null ? [] : ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']),
    ],
    ['--'],
    as === null ? [] : asUser(as),
    ['/bin/sh', place.main, String(memoryMiB), String(slots)],
  ].flat();
}

/** Folders that the guest mounts on, and ours: bwrap makes them for root alone where nothing is said. */
const openFolders = (): string[] =>
  ['/sys', '/run', '/mnt', '/var', '/etc', place.program].flatMap((folder) => ['--perms', '0755', '--dir', folder]);

const asUser = (id: number): string[] => [
  'setpriv',
  `--reuid=${id}`,
  `--regid=${id}`,
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
  '--inh-caps=-all',
];

/**
 * The sandbox's first program: the disks' server, then the kernel in its place. Its arguments are numbers. A slot is a disk that the
 * kernel has from its start, with nothing in it yet.
 */
export const mainScript = `#!/bin/sh
set -eu
memory=$1
slots=$2
ulimit -c 0
mkdir /tmp/uml
exports=
devices=
slot=0
while [ "$slot" -lt "$slots" ]; do
  : > "/tmp/overlay$slot"
  exports="$exports --blockdev raw,node-name=slot$slot,file=empty --export vhost-user-blk,id=slot$slot,node-name=slot$slot,addr.type=unix,addr.path=/tmp/slot$slot,writable=on"
  devices="$devices virtio_uml.device=/tmp/slot$slot:2:$slot"
  slot=$((slot + 1))
done
qemu-storage-daemon --chardev socket,id=qmp,path=/out/qmp,server=on,wait=off --monitor chardev=qmp \\
  --blockdev null-co,node-name=empty,size=${slotBytes},read-zeroes=on $exports --pidfile /tmp/qsd.pid < /dev/null > /dev/null &
while [ ! -e /tmp/qsd.pid ]; do
  kill -0 $! 2> /dev/null || exit 1
  sleep 0.005
done
exec linux.uml "mem=\${memory}M" rootfstype=hostfs rootflags=/ rw init=${place.init} quiet panic=1 umid=reader uml_dir=/tmp/uml/ \\
  con=null con0=null,fd:2 con1=fd:0,fd:1 $devices
`;

/** The guest's first program. Its root is the sandbox's, so that it has the system's programs. */
export const initScript = `#!/bin/sh
# Nothing here listens to udev: dmsetup, lvm and cryptsetup make their devices themselves.
export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/tmp DM_DISABLE_UDEV=1
# busybox's mount: the system's own takes the rights of the file's owner, who is nobody where the sandbox belongs to a user.
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for folder in /tmp /run /mnt /var /etc; do busybox mount -t tmpfs tmp "$folder"; done
ln -s /proc/self/mounts /etc/mtab
ulimit -n 65536
stty raw -echo < /dev/tty1
${place.node} --max-old-space-size=128 ${place.program}/code/files/guest/agent${extname(agent)} ${place.out} < /dev/tty1 > /dev/tty1 2> /dev/console
busybox poweroff -f
`;
