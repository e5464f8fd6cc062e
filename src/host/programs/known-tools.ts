interface Tool {
  readonly package: string;
  /** Oldest version known to work: the one that Debian 12 has. */
  readonly minimum: string;
}

/** Every program that the product starts, with the Debian package that brings it. */
export const knownTools: Readonly<Record<string, Tool>> = {
  'qemu-img': { package: 'qemu-utils', minimum: '6.2' },
  'qemu-nbd': { package: 'qemu-utils', minimum: '6.2' },
  'nbdkit': { package: 'nbdkit', minimum: '1.30' },
  'qemu-system-x86_64': { package: 'qemu-system-x86', minimum: '6.2' },
  'bwrap': { package: 'bubblewrap', minimum: '0.8' },
  'linux.uml': { package: 'user-mode-linux', minimum: '6.1' },
  'qemu-storage-daemon': { package: 'qemu-system-common', minimum: '6.2' },
  'setfattr': { package: 'attr', minimum: '2.5' },
  'sshfs': { package: 'sshfs', minimum: '3.7' },
  'fusermount3': { package: 'fuse3', minimum: '3.14' },
  'wipefs': { package: 'util-linux', minimum: '2.37' },
  'virsh': { package: 'libvirt-clients', minimum: '7.0' },
  'virt-v2v-in-place': { package: 'virt-v2v', minimum: '2.0' },
  'nbdcopy': { package: 'libnbd-bin', minimum: '1.12' },
};

/** The Debian package that brings a program; undefined where we do not know it. */
export const packageOfTool = (name: string): string | undefined => knownTools[name]?.package;
