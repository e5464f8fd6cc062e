#!/bin/busybox sh
# The first process of the Linux guest that tests boot. It starts the QEMU guest agent and says on the serial console which firmware
# started it, and of each disk the word in its last sector and the driver that reads it, in the order of the words:
#
#   guest: bios boot=nvme data=vmw_pvscsi.
#
# Of a disk whose word begins with `read` it says the SHA-256 of what it reads, and one whose word begins with `held` it mounts (ext4):
#
#   guest: read1 has 4355a46b19d3…
#   guest: held1 is mounted
#
# Its network cards are up. Each has the IPv6 address of its MAC address, and answers to pings.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
# Of some the kernel for clouds has none, and others are built in.
for module in ata_piix ahci vmw_pvscsi mptsas nvme sd_mod virtio_pci virtio_blk virtio_scsi virtio_console vmxnet3; do
  modprobe "$module" 2>/dev/null
done

# A network card that is up has an IPv6 address of its own, and asks for routers with it.
for card in /sys/class/net/eth*; do
  [ ! -e "$card" ] || ip link set "${card##*/}" up
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

# Once for each disk that comes; one that comes again has gone before.
greet() {
  for disk in /sys/block/sd* /sys/block/vd*; do
    name=${disk##*/}
    [ -e "$disk" ] && [ ! -e "/run/met-$name" ] || continue
    : >"/run/met-$name"
    last=$(($(cat "$disk/size") - 1))
    word=$(dd if="/dev/$name" bs=512 skip="$last" 2>/dev/null | tr -dc a-z0-9)
    case $word in
    read*) echo "guest: $word has $(sha256sum "/dev/$name" | cut -d ' ' -f 1)" ;;
    held*)
      mkdir -p "/mnt/$word"
      mount -t ext4 "/dev/$name" "/mnt/$word" && echo "guest: $word is mounted"
      ;;
    esac
  done
  for met in /run/met-*; do
    [ -e "/sys/block/${met#/run/met-}" ] || rm -f "$met"
  done
}

agent=
said=
while :; do
  now="guest: $firmware$(disks)."
  [ "$now" = "$said" ] || echo "$now"
  said=$now
  greet
  # Its number counts all devices of virtio.
  port=$(echo /dev/vport*p1)
  if [ -z "$agent" ] && [ -e "$port" ]; then
    agent=started
    /bin/qemu-ga --method=virtio-serial --path="$port" --statedir=/run --daemonize --pidfile=/run/qemu-ga.pid
  fi
  sleep 0.2
done
