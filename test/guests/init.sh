#!/bin/busybox sh
# The first process of the Linux guest that tests boot. It starts the QEMU guest agent and says on the serial console which firmware
# started it, and of each disk the word in its last sector and the driver that reads it, in the order of the words:
#
#   guest: bios boot=nvme data=vmw_pvscsi.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ata_piix vmw_pvscsi sd_mod virtio_pci virtio_blk virtio_console; do
  modprobe "$module"
done

firmware=bios
[ ! -d /sys/firmware/efi ] || firmware=efi

# Disks come one by one, whenever their driver has found them.
disks() {
  for disk in /sys/block/sd* /sys/block/nvme* /sys/block/vd*; do
    [ -e "$disk" ] || continue
    last=$(($(cat "$disk/size") - 1))
    word=$(dd if="/dev/${disk##*/}" bs=512 skip="$last" 2>/dev/null | tr -dc a-z0-9)
    address=$(readlink -f "$disk" | sed 's|.*/pci0000:00/\([^/]*\)/.*|\1|')
    driver=$(readlink -f "/sys/bus/pci/devices/$address/driver")
    echo " $word=${driver##*/}"
  done | sort | tr -d '\n'
}

agent=
said=
while :; do
  now="guest: $firmware$(disks)."
  [ "$now" = "$said" ] || echo "$now"
  said=$now
  if [ -z "$agent" ] && [ -e /dev/vport0p1 ]; then
    agent=started
    /bin/qemu-ga --method=virtio-serial --path=/dev/vport0p1 --statedir=/run --daemonize --pidfile=/run/qemu-ga.pid
  fi
  sleep 0.2
done
