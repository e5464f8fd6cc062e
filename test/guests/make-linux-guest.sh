#!/bin/sh
# Makes the disks of a small Linux guest, once, and says the folder that has them: bios.raw starts with a PC's BIOS only, efi.raw with
# UEFI only. It is Debian's kernel, busybox and QEMU guest agent, with the drivers of IDE, paravirtual SCSI, NVMe, virtio and VMXNET3: this
# kernel is made for clouds, starts in half the time of the usual one, and has no drivers of SATA and LSI SAS. usual-bios.raw and usual-efi.raw have
# the usual kernel, and these drivers too. All is taken out of Debian's packages (104 MB), of which none is installed.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
folder=$(dirname -- "$(dirname -- "$here")")/.toolchain/linux-guest
packages='busybox-static libc6 libglib2.0-0 libnuma1 libpcre2-8-0 libudev1 liburing2 qemu-guest-agent syslinux systemd-boot-efi'
modules='ata_piix ahci vmw_pvscsi mptsas nvme sd_mod virtio_pci virtio_blk virtio_scsi virtio_console vmxnet3'
stamp=$(cat "$0" "$here/init.sh" | sha256sum)

kernel_of() {
  apt-cache depends --important "$1" | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p'
}

# Lists of packages can be old or not there.
download() {
  cloud=$(kernel_of linux-image-cloud-amd64)
  usual=$(kernel_of linux-image-amd64)
  # shellcheck disable=SC2086 # a list of words
  [ -n "$cloud" ] && [ -n "$usual" ] && (cd debs && apt-get download -q -o APT::Sandbox::User=root "$cloud" "$usual" $packages)
}

make() (
  set -e
  rm -rf "$folder/work" "$folder/stamp"
  mkdir -p "$folder/work/debs" "$folder/work/all"
  cd "$folder/work"
  download || {
    apt-get update -q
    download
  }
  for deb in debs/*.deb; do
    # Of the usual kernel most is drivers that no guest has.
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C all --wildcards --exclude='*/net/wireless/*' --exclude='*/gpu/*' --exclude='*/media/*'
  done
  make_disks "${cloud#linux-image-}" ''
  make_disks "${usual#linux-image-}" usual-
  mv ./*.raw "$folder/"
  cd "$folder"
  rm -rf work
  printf '%s\n' "$stamp" >stamp
)

# @param version of the kernel @param prefix of the names of the disks
make_disks() {
  version=$1
  prefix=$2
  busybox=$PWD/all/bin/busybox

  # The initial file system: drivers and what they depend on, busybox, the agent and its libraries.
  rm -rf guest
  mkdir -p guest/bin guest/proc guest/sys guest/dev guest/run guest/tmp guest/lib64 guest/lib
  "$busybox" depmod -b "$PWD/all" "$version"
  tree=lib/modules/$version
  for module in $modules; do
    grep "/$module\.ko:" "all/$tree/modules.dep" | tr -d : | tr ' ' '\n'
  done | sort -u | while read -r file; do
    mkdir -p "guest/$tree/$(dirname "$file")"
    cp "all/$tree/$file" "guest/$tree/$file"
  done
  cp "all/$tree/modules.order" "all/$tree/modules.builtin" "guest/$tree/"
  "$busybox" depmod -b "$PWD/guest" "$version"
  cp "$busybox" all/usr/sbin/qemu-ga guest/bin/
  cp "$here/init.sh" guest/init
  chmod 755 guest/init
  for name in libc.so.6 libm.so.6 libglib-2.0.so.0 libgmodule-2.0.so.0 libnuma.so.1 libpcre2-8.so.0 libudev.so.1 liburing.so.2; do
    cp -L "$(find all/lib all/usr/lib -name "$name" | head -1)" guest/lib/
  done
  cp -L all/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 guest/lib64/
  (cd guest && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >initrd
  cp "all/boot/vmlinuz-$version" vmlinuz

  # On a busy machine the timer of an emulated one may come too late for the kernel's own check of it.
  options='console=ttyS0 quiet no_timer_check'
  # A disk without partitions, whose boot sector is that of syslinux.
  truncate -s 24M "${prefix}bios.raw"
  mformat -i "${prefix}bios.raw" ::
  printf 'DEFAULT linux\nLABEL linux\nLINUX vmlinuz\nINITRD initrd\nAPPEND %s\n' "$options" >syslinux.cfg
  mcopy -i "${prefix}bios.raw" vmlinuz initrd syslinux.cfg ::
  all/usr/bin/syslinux --install "${prefix}bios.raw"

  # A kernel that firmware can start by itself, on an EFI system partition.
  printf '%s' "$options" >options
  objcopy \
    --add-section .cmdline=options --change-section-vma .cmdline=0x30000 \
    --add-section .linux=vmlinuz --change-section-vma .linux=0x2000000 \
    --add-section .initrd=initrd --change-section-vma .initrd=0x3000000 \
    all/usr/lib/systemd/boot/efi/linuxx64.efi.stub kernel.efi
  truncate -s 40M "${prefix}efi.raw"
  printf 'label: gpt\nstart=1MiB, size=36MiB, type=uefi\n' | sfdisk -q "${prefix}efi.raw"
  mformat -i "${prefix}efi.raw@@1M" -T $((36 * 2048)) ::
  mmd -i "${prefix}efi.raw@@1M" ::/EFI ::/EFI/BOOT
  mcopy -i "${prefix}efi.raw@@1M" kernel.efi ::/EFI/BOOT/BOOTX64.EFI
}

if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9
  if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    echo 'setup: making a Linux guest to boot in tests (.toolchain/linux-guest)' >&2
    # Not `make || ...`, after which the shell would not stop at what fails in it.
    set +e
    make >"$folder/log" 2>&1
    made=$?
    set -e
    [ "$made" -eq 0 ] || {
      tail -5 "$folder/log" >&2
      exit 1
    }
  fi
fi
echo "$folder"
