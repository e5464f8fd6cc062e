import type { CommandDefinition, OptionDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

const nodeOption = (what: string): OptionDefinition => ({
  flags: '--node <name>',
  description: `the node that ${what} (default: local)`,
  completes: 'nothing',
});

const credentialOption: OptionDefinition = {
  flags: '--credential <name>',
  description: 'stored credential with the role for restores (default: the one of the source)',
};

const libvirtOption: OptionDefinition = {
  flags: '--libvirt <uri>',
  description: 'only with kvm: where libvirt answers (default: qemu:///system)',
  completes: 'nothing',
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the disks of restore points that are attached to VMs',
  description: [
    'Prints each disk that `attach` has attached to a VM of a vCenter, of an ESXi host or of libvirt, by the marks of VMs and disks: where it is, of which restore point it is, and since when. The list of a vCenter is the same at every hub.',
    'If a disk is not what its mark says, or is in a snapshot, it says so: `detach` leaves such a disk alone.',
  ],
  arguments: [
    {
      syntax: '<source>',
      description: 'name of a source in sendense.yaml, or kvm: for the VMs of libvirt on this machine',
      completes: 'sources',
    },
  ],
  options: [
    {
      flags: '--vm <vm>',
      description: 'only this VM: its name, inventory path or managed object id',
      completes: 'known-vms',
    },
    nodeOption('asks'),
    credentialOption,
    libvirtOption,
  ],
  examples: [
    { command: 'sendense-run attach list vcenter1', description: 'All VMs' },
    { command: 'sendense-run attach list kvm:', description: 'All VMs of libvirt' },
    { command: 'sendense-run attach list vcenter1 --vm pgtest1 --json', description: 'One VM, for a program' },
  ],
  exitCodes: [0, 1, 2, 10, 12, 75, 130, 143],
  seeAlso: ['attach', 'detach'],
  load: async () => ({ action: (await import('../actions/attach.ts')).list }),
};

export const attach: CommandDefinition = {
  name: 'attach',
  summary: 'Attach a disk of a restore point to a VM that runs',
  description: [
    "Last week's disk beside today's: makes a disk with the content of a restore point, compares it with the block index, and attaches it to the VM as one more disk. The VM may run. `detach` takes the disk off again and removes its file.",
    'In vSphere: VMware writes no disk of a VM that runs. So a node makes the disk with a small VM of its own, which is never started, and which goes at the end. If the command fails after a disk was copied whole, this VM stays, and the same command goes on with it.',
    'Backups of the VM leave the disk out and say why: it takes no part in snapshots. The VM must have no snapshots but those of a backup, and a free unit at a controller that takes disks while the VM runs: SCSI, NVMe or SATA.',
    'In KVM: the hub makes the disk as a qcow2 file in a folder of its own, and libvirt attaches it, also for the next start of the VM. A VM that runs needs a SCSI controller or virtio disks. No snapshot of the VM takes the disk along.',
    'In the guest the disk has the same names and uuids as the one that it was copied of. Read docs/restore.md before you open it, and detach it before the guest starts again.',
  ],
  arguments: [{ syntax: '<vm>', description: 'name of the VM that the restore point is of', completes: 'vms' }],
  options: [
    pointOption('which restore point', { default: 'latest' }),
    { flags: '-d, --disk <number>', description: 'only this disk (0, 1, …); may be repeated', repeats: true },
    {
      flags: '-t, --to <place>',
      description:
        'where the VM is that gets the disk (required): vsphere:SOURCE, a source of sendense.yaml with VDDK, or kvm:VM, the name or uuid of a VM of libvirt',
      completes: 'sources',
    },
    {
      flags: '--vm <vm>',
      description:
        'only in vSphere: the VM that gets the disk: its name, inventory path or managed object id (default: the one that the restore point is of)',
      completes: 'known-vms',
    },
    {
      flags: '--datastore <name>',
      description: 'datastore of the disk (default: the one that has the files of the VM)',
      repeats: true,
      completes: 'nothing',
    },
    { flags: '--thick', description: 'a thick disk (default: a thin one)' },
    nodeOption('writes the disk'),
    credentialOption,
    libvirtOption,
    {
      flags: '--folder <folder>',
      description: 'only with kvm: where the file of the disk goes (default: /var/lib/libvirt/images)',
      completes: 'folders',
    },
    { flags: '--no-resume', description: 'if it fails, remove disks that are copied whole, too' },
    { flags: '--no-verify', description: 'do not compare the disk with the block index' },
    {
      flags: '--identity <uuid>',
      description: 'which VM, if several have restore points under this name; `list` shows the uuid',
      completes: 'nothing',
    },
    repositoryOrPath('repository to read (default: the one that has the VM)'),
    ...keyOptions,
    { flags: '-n, --dry-run', description: 'show each step and change nothing' },
  ],
  examples: [
    {
      command: 'sendense-run attach pgtest1 --disk 1 --point yesterday 18:00 --to vsphere:vcenter1',
      description: "Yesterday's second disk, beside the one of today",
    },
    {
      command: 'sendense-run attach pgtest1 --disk 1 --to vsphere:vcenter1 --vm rescue1',
      description: 'The same disk, to another VM',
    },
    {
      command: 'sendense-run attach pgtest1 --disk 1 --to kvm:pgtest1',
      description: 'The same disk, to a VM of libvirt',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 14, 16, 70, 130, 143],
  seeAlso: ['detach', 'restore', 'list'],
  commands: [list],
  load: async () => ({ action: (await import('../actions/attach.ts')).attach }),
};

export const detach: CommandDefinition = {
  name: 'detach',
  summary: 'Take an attached disk off its VM and remove its file',
  description: [
    'Takes a disk off that `attach` has attached, and removes its file, and nothing else. What was written to it is lost, so the command asks first. Unmount its file systems in the guest before.',
    'Only a disk goes that bears the mark of Sendense, that agrees with its mark, and that is in no snapshot. If somebody has replaced it, has changed its mode, or has given it to another VM as well, nothing is removed. In KVM the disk stays, too, if the guest agent says that it is mounted, or if the guest does not let go of it. While a backup of the VM goes on, the disk is in its snapshot: try again later.',
    'If several disks are attached, say which one: --disk, --point, or --all.',
  ],
  arguments: [
    {
      syntax: '<vm>',
      description: 'the VM that has the disk: its name, inventory path or managed object id; in KVM its name or uuid',
      completes: 'known-vms',
    },
  ],
  options: [
    {
      flags: '--from <place>',
      description: 'where the VM is (required): vsphere:SOURCE, a source of sendense.yaml, or kvm:',
      completes: 'sources',
    },
    { flags: '-d, --disk <number>', description: 'only this disk (0, 1, …); may be repeated', repeats: true },
    {
      flags: '--point <id>',
      description: 'only disks of this restore point',
      completes: 'points',
    },
    {
      flags: '--id <id>',
      description: 'only the disk of this id, which `attach list --json` has; may be repeated',
      repeats: true,
      completes: 'nothing',
    },
    { flags: '--all', description: 'all of these, if there are several' },
    {
      flags: '--forget',
      description: 'of a disk that is not what its mark says, take the mark away; the disk stays',
    },
    nodeOption('asks'),
    credentialOption,
    libvirtOption,
    { flags: '-n, --dry-run', description: 'show what would be detached' },
    { flags: '-y, --yes', description: 'do not ask' },
  ],
  examples: [
    { command: 'sendense-run detach pgtest1 --from vsphere:vcenter1', description: 'The only disk that is attached' },
    {
      command: 'sendense-run detach pgtest1 --from vsphere:vcenter1 --all --yes',
      description: 'All of them, without a question',
    },
    { command: 'sendense-run detach pgtest1 --from kvm:', description: 'The same of a VM of libvirt' },
  ],
  exitCodes: [0, 1, 2, 10, 12, 75, 130, 143],
  seeAlso: ['attach', 'attach list'],
  load: async () => ({ action: (await import('../actions/attach.ts')).detach }),
};
