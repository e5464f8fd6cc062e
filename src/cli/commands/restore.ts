import { formatNames } from '../../targets/directory/formats.ts';
import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

export const restore: CommandDefinition = {
  name: 'restore',
  summary: 'Write the disks of a restore point into a directory or to devices, or make a VM or an OVA file of it',
  description: [
    'Makes a restore plan from the command line and runs it. The run writes each disk under a temporary name and compares it with the block index of the restore point. Then it gives the file its name: disk-0.raw, disk-1.raw, …',
    'Never overwrites a file and never writes to the repository. A failed restore removes the files that it wrote.',
    'With kvm:DIRECTORY it makes a VM for KVM, with the hardware that the guest knows: disks as qcow2, domain.xml for libvirt, and start.sh, which starts the VM with plain QEMU. If libvirt answers at qemu:///system, it defines the VM there. The VM is not started, and its network cards are not connected unless you say so. With --start libvirt starts it, and the run waits until it is up: until the text of --serial appears, the agent answers, or its picture stops changing. If it does not come up, the run fails; what was restored stays.',
    'With vsphere:SOURCE it makes a new VM in vSphere, of the hardware that was saved with the restore point, where the old one was unless you say otherwise. SOURCE is a source of sendense.yaml. A node writes the disks, by the first of its transports that can (VDDK, an import lease over HTTPS, SSH), and reads them again. Until that is done, the notes of the VM say that it is unfinished. If the restore fails after a disk was copied whole, the VM stays, and the same command goes on with it. The VM is not started, and its network cards are not connected unless you say so.',
    'With vsphere:SOURCE and --in-place it writes to the disks of the VM itself what differs from the restore point, and nothing else. The VM must be off and have no snapshots. A backup of the present state is made first. From before the first byte until the end, the notes of the VM say that it is being restored, and backups of it are refused. If the restore fails, the same command goes on with it. The hardware of the VM stays as it is.',
    'With --convert virtio, virt-v2v then gives the guest the drivers of KVM, on a copy of what it changes. Sendense boots the result without a network. If it boots, the VM gets virtio disks and network cards. If not, the VM keeps the hardware that the guest knows, and the run ends with exit code 3.',
    'An OVA file has the disks, and the hardware of the VM as it was saved with the restore point.',
    'If nothing was saved, because the VM was backed up as disk images, say --memory and --cpus.',
    'A block device must be unused, large enough and without a file system, unless you say --overwrite. The first MiB of the disk is written last, so nobody takes an unfinished device for whole.',
  ],
  arguments: [{ syntax: '<vm>', description: 'name of the VM', completes: 'vms' }],
  options: [
    pointOption('which restore point', { default: 'latest' }),
    {
      flags: '-t, --to <place>',
      description:
        'directory to write to (required); the command makes it if it is missing. Or a VM for KVM: kvm:DIRECTORY. Or a new VM in vSphere: vsphere:SOURCE. Or the whole VM as one file: ova:FILE.ova. Or block devices: device:/dev/sdb, device:disk-0=/dev/sdb,disk-1=/dev/sdc',
      completes: 'folders',
    },
    {
      flags: '-f, --format <format>',
      description: 'format of the files; vmdk-stream is for OVA files and uploads to vSphere, vhdx for Hyper-V',
      choices: formatNames,
      default: 'raw',
    },
    {
      flags: '--subformat <subformat>',
      description: 'for vmdk: monolithicSparse, or streamOptimized, which vmdk-stream is, too',
      choices: ['monolithicSparse', 'streamOptimized'],
    },
    {
      flags: '--thin',
      description:
        'for qcow2: make an overlay on the chain in the repository instead of a copy; it is ready at once, and needs the repository. For vsphere: thin disks',
    },
    { flags: '--overwrite', description: 'for devices: write over what they hold' },
    {
      flags: '--name <name>',
      description: 'for kvm and vsphere: name of the new VM (default: the name that it had)',
      completes: 'nothing',
    },
    {
      flags: '--libvirt <uri>',
      description: 'for kvm: where libvirt defines the VM, or none (default: qemu:///system if it answers, else none)',
      completes: 'nothing',
    },
    {
      flags: '--network <network>',
      description:
        'for kvm and vsphere: the network of its network cards; for kvm one of libvirt, bridge:NAME, or user for the NAT of QEMU. For several networks: "VM Network=default", repeated',
      repeats: true,
      completes: 'nothing',
    },
    { flags: '--connect', description: 'for kvm and vsphere: the network cards are connected when the VM starts' },
    {
      flags: '--keep-mac',
      description:
        'for kvm and vsphere: keep the MAC addresses; only if the old VM is gone (default for vsphere: if it is gone)',
    },
    { flags: '--new-mac', description: 'for vsphere: new MAC addresses, also if the old VM is gone' },
    {
      flags: '--keep-identity',
      description: 'for kvm and vsphere: keep the uuid that the guest sees; only if the old VM is gone',
    },
    {
      flags: '--folder <path>',
      description: 'for vsphere: inventory path of its folder, such as /DC1/vm/restored (default: where it was)',
      completes: 'nothing',
    },
    {
      flags: '--pool <path>',
      description:
        'for vsphere: inventory path of a resource pool, cluster or host, such as /DC1/host/cluster1 (default: the only one)',
      completes: 'nothing',
    },
    {
      flags: '--datastore <name>',
      description:
        'for vsphere: datastore of the VM and its disks (default: where they were). For several: disk-1=datastore2, repeated',
      repeats: true,
      completes: 'nothing',
    },
    { flags: '--thick', description: 'for vsphere: thick disks; --thin makes thin ones (default: each as it was)' },
    {
      flags: '--without-tpm',
      description: 'for vsphere: make the VM although it had a virtual TPM, which is in no backup',
    },
    { flags: '--power-on', description: 'for vsphere: start the VM when all is done, and do not wait for it' },
    {
      flags: '--no-resume',
      description: 'for vsphere: a restore that fails removes disks that are copied whole, too; begin anew',
    },
    {
      flags: '--in-place',
      description: 'for vsphere: write to the disks of the VM itself what differs, in place of a new VM',
    },
    {
      flags: '--no-safety-backup',
      description: 'with --in-place: make no backup of the present state first; it is lost',
    },
    {
      flags: '--take-over',
      description:
        'with --in-place: go on with a restore of another hub that has died; never of a run of this hub that has not ended',
    },
    {
      flags: '--compare-all',
      description: 'with --in-place: read and compare all of the disks at the end, not only what was written',
    },
    { flags: '--node <name>', description: 'for vsphere: the node that writes the disks (default: local)' },
    {
      flags: '--credential <name>',
      description: 'for vsphere: stored credential with the role for restores (default: the one of the source)',
    },
    {
      flags: '--start',
      description:
        'for kvm: libvirt starts the VM, and the run waits until it is up. For vsphere: the same, until VMware Tools run; a VM in which they do not come is powered off again',
    },
    {
      flags: '--convert <devices>',
      description:
        'for kvm: virt-v2v gives the guest the drivers of KVM, and the VM gets virtio disks and network cards; kept only if the guest boots with them. Needs the Debian package virt-v2v',
      choices: ['virtio'],
    },
    {
      flags: '--virtio-win <file>',
      description: 'with --convert: drivers for Windows, virtio-win.iso (default: /usr/share/virtio-win)',
      completes: 'files',
    },
    {
      flags: '--accel <accel>',
      description: 'with --convert: how virt-v2v and the boot run their machines (default: auto)',
      choices: ['auto', 'tcg', 'kvm'],
    },
    {
      flags: '--serial <text>',
      description:
        'with --start or --convert: the VM is up when this text appears on the serial console, for example login:',
      completes: 'nothing',
    },
    { flags: '--agent', description: 'with --start or --convert: the VM is up when the QEMU guest agent answers' },
    {
      flags: '--memory <size>',
      description: 'for kvm and ova: memory of the VM, such as 4GiB (default: what was saved)',
      completes: 'nothing',
    },
    {
      flags: '--cpus <number>',
      description: 'for kvm and ova: CPUs of the VM (default: what was saved)',
      completes: 'nothing',
    },
    {
      flags: '--firmware <firmware>',
      description: 'for kvm and ova: firmware of the VM (default: what was saved, or what the first disk needs)',
      choices: ['bios', 'efi'],
    },
    {
      flags: '--guest-id <id>',
      description: "for ova: VMware's id of the guest's system, such as debian12_64Guest (default: what was saved)",
      completes: 'nothing',
    },
    { flags: '-d, --disk <number>', description: 'only this disk (0, 1, …); may be repeated', repeats: true },
    { flags: '--no-verify', description: 'do not compare the written files with the block index' },
    {
      flags: '--identity <uuid>',
      description: 'which VM, if several have restore points under this name; `list` shows the uuid',
      completes: 'nothing',
    },
    repositoryOrPath('repository to read (default: the one that has the VM)'),
    ...keyOptions,
    { flags: '-n, --dry-run', description: 'show each step and write nothing' },
  ],
  examples: [
    {
      command: 'sendense-run restore pgtest1 --to ./restored',
      description: 'The newest restore point, all disks, raw',
    },
    {
      command: 'sendense-run restore pgtest1 --point before 2026-11-20T01:00Z --to ./restored',
      description: "As it was before one o'clock",
    },
    {
      command: 'sendense-run restore pgtest1 --point yesterday 18:00 --to ./restored',
      description: 'As it was yesterday at six',
    },
    {
      command: 'sendense-run restore pgtest1 --repository /mnt/repository --to ./restored',
      description: 'Rescue: restore from the files of a repository, without settings or database',
    },
    {
      command: 'sendense-run restore pgtest1 --disk 1 --format qcow2 --to ./restored',
      description: 'One disk, flat qcow2',
    },
    {
      command: 'sendense-run restore pgtest1 --format qcow2 --thin --to ./look',
      description: 'An overlay to look into, ready at once',
    },
    {
      command: 'sendense-run restore pgtest1 --format vmdk-stream --to ./upload',
      description: 'To upload to vSphere',
    },
    {
      command: 'sendense-run restore pgtest1 --to kvm:/var/lib/libvirt/images/pgtest1',
      description: 'A VM for KVM',
    },
    {
      command: 'sendense-run restore pgtest1 --to kvm:/var/lib/libvirt/images/pgtest1 --start --serial login:',
      description: 'The same, started; the run waits for its login',
    },
    {
      command: 'sendense-run restore pgtest1 --to kvm:/var/lib/libvirt/images/pgtest1 --convert virtio',
      description: 'The same with the drivers and devices of KVM',
    },
    {
      command: 'sendense-run restore pgtest1 --to kvm:./pgtest1 --libvirt none --network user --connect',
      description: 'A VM for QEMU without libvirt, behind its NAT',
    },
    {
      command: 'sendense-run restore pgtest1 --to vsphere:vcenter1 --name pgtest1-monday --folder /DC1/vm/restored',
      description: 'A new VM in vSphere, beside the old one',
    },
    {
      command: 'sendense-run restore pgtest1 --point yesterday 18:00 --to vsphere:vcenter1 --in-place',
      description: 'The VM itself goes back to yesterday at six; only what differs is written',
    },
    {
      command: 'sendense-run restore pgtest1 --to ova:./pgtest1.ova',
      description: 'The whole VM as one file, for vSphere, VMware Workstation or VirtualBox',
    },
    {
      command: 'sendense-run restore pgtest1 --disk 0 --to device:/dev/disk/by-id/wwn-0x5000c500a1b2c3d4',
      description: 'One disk to a block device of this machine',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 14, 16, 70, 130, 143],
  files: [
    ['DIRECTORY/disk-<n>.<format>', 'The restored disks.'],
    ['FILE.ova', 'The restored VM.'],
    ['DIRECTORY/domain.xml', 'The VM for libvirt (kvm:DIRECTORY).'],
    ['DIRECTORY/start.sh', 'Starts the VM with plain QEMU (kvm:DIRECTORY).'],
    ['DIRECTORY/efi-variables.fd', 'Settings of its UEFI firmware (kvm:DIRECTORY).'],
  ],
  seeAlso: ['list', 'show', 'check', 'run'],
  load: () => import('../actions/restore.ts'),
};
