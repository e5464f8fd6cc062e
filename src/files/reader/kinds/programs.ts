import { accessSync, constants } from 'node:fs';
import { extname } from 'node:path';
import { agent, place } from '../sandbox.ts';
import type { ReaderKind, Requirement } from './kind.ts';

const needs: readonly Requirement[] = [
  { program: 'bwrap', package: 'bubblewrap', without: null },
  { program: 'qemu-storage-daemon', package: 'qemu-system-common', without: null },
  { program: 'unshare', package: 'util-linux', without: null },
  { program: 'setpriv', package: 'util-linux', without: null },
  { program: 'prlimit', package: 'util-linux', without: null },
  { program: 'blkid', package: 'util-linux', without: null },
  { program: 'partx', package: 'util-linux', without: null },
  { program: 'tar', package: 'tar', without: null },
  { program: 'getfattr', package: 'attr', without: 'extended attributes in `files stat`' },
  { program: 'fuse2fs', package: 'fuse2fs', without: 'ext2, ext3 and ext4' },
  { program: 'e2fsck', package: 'e2fsprogs', without: 'what only the journal of ext3 or ext4 has' },
  { program: 'ntfs-3g', package: 'ntfs-3g', without: 'NTFS' },
];

/**
 * The sandbox's first program. Only who has a right over a namespace may open file systems in it: so it makes one of its own. Where this
 * is root, that has all users but root, so that files keep their owners; where it is not, it can have one user only, and not as its
 * root, for ntfs-3g then wants to leave groups, which such a namespace forbids.
 */
const mainScript = `#!/bin/sh
set -eu
user=$1
slots=$2
ulimit -c 0
# Where memory is short, this goes first.
echo 1000 > /proc/self/oom_score_adj
if [ "$user" = none ]; then
  exec unshare --user --map-user=1000 --map-group=1000 --mount --keep-caps /bin/sh /sendense/inner "$slots"
fi
exec 8<&0
unshare --user --mount --keep-caps /bin/sh /sendense/inner "$slots" mapped <&8 8<&- &
inner=$!
own=$(readlink /proc/self/ns/user)
while [ "$(readlink "/proc/$inner/ns/user")" = "$own" ]; do sleep 0.002; done
for map in uid_map gid_map; do
  printf '0 %s 1\\n1 2200000001 1999999999\\n' "$user" > "/proc/$inner/$map"
done
exec 0<&- 8<&-
wait "$inner"
`;

/** The program in that namespace. */
const innerScript = `#!/bin/sh
set -eu
slots=$1
if [ "\${2:-}" = mapped ]; then
  while [ -z "$(cat /proc/self/gid_map)" ]; do sleep 0.002; done
  exec setpriv --reuid=0 --regid=0 --clear-groups /bin/sh /sendense/inner "$slots"
fi
for folder in /mnt /etc /run; do mount -t tmpfs -o size=8m,mode=755 tmp "$folder"; done
ln -s /proc/self/mounts /etc/mtab
echo "reader:x:$(id -u):$(id -g)::/:/bin/sh" > /etc/passwd
slot=0
while [ "$slot" -lt "$slots" ]; do
  : > "/tmp/overlay$slot"
  slot=$((slot + 1))
done
: > /tmp/trial
qemu-storage-daemon --chardev socket,id=qmp,path=/out/qmp,server=on,wait=off --monitor chardev=qmp \\
  --chardev socket,id=own,path=/tmp/qmp,server=on,wait=off --monitor chardev=own \\
  --blockdev null-co,node-name=empty,size=512,read-zeroes=on \\
  --export fuse,id=trial,node-name=empty,mountpoint=/tmp/trial --pidfile /tmp/qsd.pid < /dev/null > /dev/null &
while [ ! -e /tmp/qsd.pid ]; do
  kill -0 $! 2> /dev/null || exit 1
  sleep 0.005
done
exec ${place.node} --max-old-space-size=128 ${place.program}/code/files/guest/agent${extname(agent)} programs ${place.out}
`;

/** A program for each kind of file system, by FUSE. */
export const programs: ReaderKind = {
  name: 'programs',
  title: 'a program for each file system (FUSE)',
  reads: 'ext2, ext3, ext4 and NTFS. Not xfs, btrfs, FAT, exFAT, ISO, UDF, LVM, RAID and LUKS: they take a kernel',
  needs,
  unfit() {
    try {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
      return null;
    } catch {
      return '/dev/fuse is missing, or not for you: `modprobe fuse` makes it; a container has to be given it';
    }
  },
  scripts: { main: mainScript, inner: innerScript },
  sandbox: ({ slots, scratchMiB, as }) => ({
    words: [
      '--dev-bind',
      '/dev/fuse',
      '/dev/fuse',
      ...(as === null ? [] : ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']),
    ],
    tmpMiB: scratchMiB + 64,
    command: ['/bin/sh', place.main, as === null ? 'none' : String(as), String(slots)],
  }),
  // The disks' server lends a node to FUSE for writing only if nobody else reads it.
  tellsPlaces: false,
  plug: async () => undefined,
};
