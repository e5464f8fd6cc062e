import { extname } from 'node:path';
import { anyCpu } from '../../../host/system/allowed-cpus.ts';
import { registers, unfitRegisters } from './uml-registers.ts';
import { agent, asUser, place, slotBytes } from '../sandbox.ts';
import type { ReaderKind, Requirement } from './kind.ts';

const needs: readonly Requirement[] = [
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

/**
 * The sandbox's first program: the disks' server, then the kernel in its place. Its arguments are numbers. A slot is a disk that the
 * kernel has from its start, with nothing in it yet.
 */
const mainScript = `#!/bin/sh
set -eu
memory=$1
slots=$2
cpu=$3
ulimit -c 0
# Where memory is short, this goes first.
echo 1000 > /proc/self/oom_score_adj
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
# Its kernel and its programs take turns, at each page and each system call: on one processor that is twice as quick.
taskset --pid --cpu-list "$cpu" $$ > /dev/null 2>&1 || true
# It starts a helper, which is not there, for each device that it makes: its 512 old pseudo-terminals took a third of its start.
[ ! -e ${place.registers} ] || export LD_PRELOAD=${place.registers}
exec linux.uml "mem=\${memory}M" rootfstype=hostfs rootflags=/ rw init=${place.init} quiet panic=1 umid=reader uml_dir=/tmp/uml/ \\
  con=null con0=null,fd:2 con1=fd:0,fd:1 pty.legacy_count=0 $devices
`;

/** The guest's first program. Its root is the sandbox's, so that it has the system's programs. */
const initScript = `#!/bin/sh
# Nothing here listens to udev: dmsetup, lvm and cryptsetup make their devices themselves.
export PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/tmp DM_DISABLE_UDEV=1
# busybox's mount: the system's own takes the rights of the file's owner, who is nobody where the sandbox belongs to a user.
busybox mount -t proc proc /proc
# Nobody is told of devices.
[ ! -e /proc/sys/kernel/hotplug ] || echo > /proc/sys/kernel/hotplug
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for folder in /tmp /run /mnt /var /etc; do busybox mount -t tmpfs tmp "$folder"; done
ln -s /proc/self/mounts /etc/mtab
ulimit -n 65536
stty raw -echo < /dev/tty1
${place.node} --max-semi-space-size=16 --max-old-space-size=128 ${place.program}/code/files/guest/agent${extname(agent)} kernel ${place.out} < /dev/tty1 > /dev/tty1 2> /dev/console
busybox poweroff -f
`;

/** A Linux kernel that is an ordinary process. */
export const userModeLinux: ReaderKind = {
  name: 'uml',
  title: 'a Linux kernel of its own (User-Mode Linux)',
  reads: 'everything that Sendense can read',
  needs,
  unfit: () =>
    process.arch !== 'x64'
      ? `User-Mode Linux is there for x86-64 alone, and this is ${process.arch}`
      : unfitRegisters(),
  scripts: { init: initScript, main: mainScript },
  sandbox: ({ slots, memoryMiB, scratchMiB, as }) => ({
    words: [
      '--ro-bind-try',
      registers,
      place.registers,
      ...(as === null ? [] : ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']),
    ],
    tmpMiB: memoryMiB + scratchMiB + 64,
    command: [
      ...(as === null ? [] : asUser(as)),
      '/bin/sh',
      place.main,
      String(memoryMiB),
      String(slots),
      String(anyCpu()),
    ],
  }),
  tellsPlaces: true,
  plug: (qmp, slot) =>
    qmp.execute('blockdev-reopen', {
      options: [{ 'driver': 'raw', 'node-name': `slot${slot}`, 'file': `layer${slot}` }],
    }),
};
