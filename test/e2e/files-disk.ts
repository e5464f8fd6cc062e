import { execa } from 'execa';
import { hurriedKdf } from '../support/hurried-kdf.ts';

/** What the disks hold, each night. */
const fill = `
set -e
cd "$1"
rm -rf tree fs.img && mkdir -p tree/etc tree/srv/deep
printf 'web1\\n' > tree/etc/hostname
printf 'secret\\n' > tree/etc/key && chmod 4750 tree/etc/key
setfattr -n user.note -v hello tree/etc/key
ln -s /etc/shadow tree/etc/out
printf latin > "$(printf 'tree/srv/caf\\351')"
printf line > "$(printf 'tree/srv/new\\nline')"
mkfifo tree/srv/fifo
[ -e big ] || head -c 3000000 /dev/urandom > big
cp big tree/srv/big
truncate -s 40M tree/srv/sparse && printf end | dd of=tree/srv/sparse bs=1 seek=20000000 conv=notrunc status=none
for at in 1 2 3; do printf $at > tree/srv/deep/f$at; done
if [ "$2" = two ]; then printf new > tree/srv/added; rm tree/srv/deep/f2; printf longer > tree/srv/deep/f3; fi
find tree -exec touch -h -d '2001-02-03 04:05:06.123456789Z' {} +
[ "$2" != two ] || touch tree/srv/deep/f3
truncate -s 40M fs.img && mkfs.ext4 -q -F -d tree fs.img
# mkfs drops nanoseconds.
debugfs -w -R 'set_inode_field /etc/key mtime_extra 493827156' fs.img 2> /dev/null
truncate -s 60M disk.raw
printf 'label: gpt\\nstart=2048,size=81920,type=linux\\nstart=86016,size=32768,type=linux\\n' | sfdisk -q disk.raw
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc status=none
[ -e locked.raw ] || {
  truncate -s 8M inner.img && mkfs.ext4 -q -F -d tree/etc inner.img
  printf 'the right words' > words && printf 'the wrong words' > wrong
  LD_PRELOAD=$3 qemu-img convert --object secret,id=s,file=words -O luks -o key-secret=s,iter-time=10 inner.img locked.raw
}
dd if=locked.raw of=disk.raw bs=1M seek=42 conv=notrunc status=none
`;

/** Makes `disk.raw`, with an ext4 and an encrypted volume, in a folder. `words` is the passphrase, `wrong` another one. */
export const makeFilesDisk = async (folder: string, night: 'one' | 'two'): Promise<void> =>
  void (await execa('sh', ['-c', fill, 'sh', folder, night, await hurriedKdf()]));
