/** Where disks for VMs of libvirt go if nobody says so, as schemas/plans/restore.json has it: its own pool. */
export const usualFolder = '/var/lib/libvirt/images';
