#!/bin/sh
# Makes disk.raw in the folder $1: a small ext4 file system with what is hard for an archive. $2: of which night.
set -e
cd "$1"
rm -rf tree fs.img && mkdir -p tree/etc tree/srv/deep tree/srv/empty
printf 'web1\n' > tree/etc/hostname
printf 'secret\n' > tree/etc/key && chmod 4750 tree/etc/key
ln -s /etc/shadow tree/etc/out
printf latin > "$(printf 'tree/srv/caf\351')"
printf percent > 'tree/srv/caf%E9'
printf back > 'tree/srv/back\slash'
printf umlaut > tree/srv/käse
printf '<script>alert(1)</script>' > tree/srv/evil.html
: > tree/srv/nothing
mkfifo tree/srv/fifo
[ -e big ] || head -c 30000000 /dev/urandom > big
cp big tree/srv/big
for at in 1 2 3; do printf $at > tree/srv/deep/f$at; done
if [ "$2" = two ]; then printf new > tree/srv/added; rm tree/srv/deep/f2; printf longer > tree/srv/deep/f3; fi
size=60
if [ "$2" = large ]; then
  size=6000
  mkdir tree/many && (cd tree/many && seq 66000 | xargs touch)
  truncate -s 4500M tree/srv/sparse && printf end | dd of=tree/srv/sparse bs=1 seek=4500000000 conv=notrunc status=none
fi
find tree -exec touch -h -d '2001-02-03 04:05:06Z' {} +
[ "$2" != two ] || touch tree/srv/deep/f3
truncate -s ${size}M fs.img && mkfs.ext4 -q -F -d tree fs.img
truncate -s $((size + 2))M disk.raw
printf 'label: gpt\nstart=2048,type=linux\n' | sfdisk -q disk.raw
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
