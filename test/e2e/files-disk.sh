#!/bin/sh
# Makes disk.raw in the folder $1, as of the night $2, with what is hard to read. $3 says what else is in it:
#   locked  names with newlines, times in nanoseconds, a sparse file, and an encrypted volume beside; $4 is preloaded to make that quickly
#   web     names and contents that are hard for archives and browsers; in the night `large` many files, and a large sparse one
set -e
cd "$1"
night=$2

common() {
  rm -rf tree fs.img && mkdir -p tree/etc tree/srv/deep
  printf 'web1\n' > tree/etc/hostname
  printf 'secret\n' > tree/etc/key && chmod 4750 tree/etc/key
  ln -s /etc/shadow tree/etc/out
  printf latin > "$(printf 'tree/srv/caf\351')"
  mkfifo tree/srv/fifo
  [ -e big ] || head -c "$1" /dev/urandom > big
  cp big tree/srv/big
  for at in 1 2 3; do printf $at > tree/srv/deep/f$at; done
  if [ "$night" = two ]; then printf new > tree/srv/added; rm tree/srv/deep/f2; printf longer > tree/srv/deep/f3; fi
}

# $1: time of all files
pack() {
  find tree -exec touch -h -d "$1" {} +
  [ "$night" != two ] || touch tree/srv/deep/f3
  truncate -s "$2" fs.img && mkfs.ext4 -q -F -d tree fs.img
}

locked() {
  common 3000000
  setfattr -n user.note -v hello tree/etc/key
  printf line > "$(printf 'tree/srv/new\nline')"
  truncate -s 40M tree/srv/sparse && printf end | dd of=tree/srv/sparse bs=1 seek=20000000 conv=notrunc status=none
  pack '2001-02-03 04:05:06.123456789Z' 40M
  # mkfs drops nanoseconds.
  debugfs -w -R 'set_inode_field /etc/key mtime_extra 493827156' fs.img 2> /dev/null
  truncate -s 60M disk.raw
  printf 'label: gpt\nstart=2048,size=81920,type=linux\nstart=86016,size=32768,type=linux\n' | sfdisk -q disk.raw
  [ -e locked.raw ] || {
    truncate -s 8M inner.img && mkfs.ext4 -q -F -d tree/etc inner.img
    printf 'the right words' > words && printf 'the wrong words' > wrong
    LD_PRELOAD=$1 qemu-img convert --object secret,id=s,file=words -O luks -o key-secret=s,iter-time=10 inner.img locked.raw
  }
  dd if=locked.raw of=disk.raw bs=1M seek=42 conv=notrunc status=none
}

web() {
  common 30000000
  mkdir tree/srv/empty
  printf percent > 'tree/srv/caf%E9'
  printf back > 'tree/srv/back\slash'
  printf umlaut > tree/srv/käse
  printf '<script>alert(1)</script>' > tree/srv/evil.html
  : > tree/srv/nothing
  size=60
  if [ "$night" = large ]; then
    size=6000
    mkdir tree/many && (cd tree/many && seq 66000 | xargs touch)
    truncate -s 4500M tree/srv/sparse && printf end | dd of=tree/srv/sparse bs=1 seek=4500000000 conv=notrunc status=none
  fi
  pack '2001-02-03 04:05:06Z' ${size}M
  truncate -s $((size + 2))M disk.raw
  printf 'label: gpt\nstart=2048,type=linux\n' | sfdisk -q disk.raw
}

case $3 in
  locked) locked "$4" ;;
  web) web ;;
esac
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
