/** The Debian packages; `Depends:` and files of each. */
export interface DebianPackage {
  readonly name: 'sendense-common' | 'sendense-node' | 'sendense-hub';
  readonly summary: string;
  readonly description: readonly string[];
  /** `=` stands for this very version of another of ours. */
  readonly depends: readonly string[];
  readonly recommends?: readonly string[];
  readonly conffiles: readonly string[];
}

/** What qemu-nbd, nbdkit and nbdcopy come in; the versions are those of `src/host/programs/known-tools.ts`. */
const tools = ['qemu-utils (>= 1:6.2)', 'nbdkit (>= 1.30)', 'libnbd-bin (>= 1.12)'];

export const debianPackages: readonly DebianPackage[] = [
  {
    name: 'sendense-common',
    summary: 'backup of virtual machines - programs and documents',
    description: [
      'Sendense backs up virtual machines as code: YAML plans, changed blocks only,',
      'plain qcow2 chains that qemu-img alone can restore.',
      '.',
      'This package holds what hub and node share, with the Node.js that runs it.',
    ],
    depends: ['libc6 (>= 2.28)', 'libstdc++6 (>= 10)', 'adduser'],
    conffiles: [],
  },
  {
    name: 'sendense-node',
    summary: 'backup of virtual machines - agent beside the disks',
    description: [
      'The agent of Sendense runs where the disks can be read and sends what changed',
      'to a hub, through a connection that it makes itself.',
    ],
    depends: ['sendense-common =', ...tools, 'openssh-client', 'init-system-helpers (>= 1.52)'],
    conffiles: ['/etc/sendense/node.yaml'],
  },
  {
    name: 'sendense-hub',
    summary: 'backup of virtual machines - hub with the repositories',
    description: [
      'The hub of Sendense runs the plans, keeps the repositories, and answers the',
      'nodes that connect to it.',
    ],
    depends: ['sendense-common =', ...tools, 'openssh-client', 'init-system-helpers (>= 1.52)'],
    // An sshd of its own moves the nodes' data (docs/network.md), and `ss` counts it.
    recommends: [
      'bash-completion',
      'iproute2',
      'openssh-server',
      // `files` reads with them (docs/files.md).
      'attr',
      'bubblewrap',
      'busybox-static',
      'cryptsetup-bin',
      'dmsetup',
      'exfat-fuse',
      'lvm2',
      'mdadm',
      'ntfs-3g',
      'qemu-system-common',
      'sshfs',
      'user-mode-linux',
    ],
    conffiles: ['/etc/sendense/sendense.yaml'],
  },
];

export interface ControlOptions {
  readonly version: string;
  readonly architecture: string;
  /** KiB. */
  readonly installedSize: number;
}

/** The file `control` of a package. Source: Debian Policy, chapter 5. */
export function controlText(entry: DebianPackage, { version, architecture, installedSize }: ControlOptions): string {
  const list = (names: readonly string[]): string =>
    names.map((name) => name.replace(/ =$/, ` (= ${version})`)).join(', ');
  return `${[
    `Package: ${entry.name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: Sendense <packages@sendense.example.com>',
    `Installed-Size: ${installedSize}`,
    `Depends: ${list(entry.depends)}`,
    ...(entry.recommends ? [`Recommends: ${list(entry.recommends)}`] : []),
    'Section: admin',
    'Priority: optional',
    'Homepage: https://sendense.example.com/',
    `Description: ${entry.summary}`,
    ...entry.description.map((line) => ` ${line}`),
  ].join('\n')}\n`;
}
