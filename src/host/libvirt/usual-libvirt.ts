/** Where libvirt answers if nobody says so. */
export const usualLibvirt = 'qemu:///system';

/** Those of this machine: who has no shell here may name no other. */
export const ownLibvirts: readonly string[] = [usualLibvirt, 'qemu:///session'];
