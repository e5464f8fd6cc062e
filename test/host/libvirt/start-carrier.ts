import { writeFile } from 'node:fs/promises';
import type { OwnLibvirtd } from './own-libvirtd.ts';

/** Starts a VM of libvirt that does nothing but have a disk, a raw file, and a SCSI controller for more. */
export async function startCarrier(libvirt: OwnLibvirtd, name: string, disk: string): Promise<void> {
  const file = `${disk}.domain.xml`;
  await writeFile(
    file,
    `<domain type="qemu"><name>${name}</name><memory unit="MiB">32</memory><vcpu>1</vcpu>
     <os><type arch="x86_64" machine="pc">hvm</type></os><devices><controller type="scsi" model="virtio-scsi"/>
     <disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="${disk}"/><target dev="sda" bus="scsi"/></disk>
     </devices></domain>`,
  );
  await libvirt.virsh('define', file);
  await libvirt.virsh('start', name);
}
