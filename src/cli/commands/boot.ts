import type { CommandDefinition } from '../command.ts';

const exitCodes = [0, 1, 2, 10, 11, 12, 70, 130, 143];

const started = {
  syntax: '<vm-or-id>',
  description: 'id of a VM that was started, or its name if it was started once',
  completes: 'boots',
} as const;

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the VMs that run from restore points',
  description: [
    'Prints each VM that was started from a restore point and not stopped since: its state, what its guest has written, and whether it still reads the repository.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run boot list', description: 'What runs' },
    {
      command: 'sendense-run boot list --json | jq -r \'.boots[] | select(.state == "paused") | .why\'',
      description: 'Why VMs are paused, for a program',
    },
  ],
  exitCodes,
  seeAlso: ['boot', 'boot status'],
  load: async () => ({ action: (await import('../actions/boot.ts')).list }),
};

const status: CommandDefinition = {
  name: 'status',
  summary: 'Show how it goes with a VM that runs from a restore point',
  description: [
    'Prints its state, its disks, where its screen is (VNC on a Unix socket), and what was not as the guest had it. With --screenshot it also writes a picture of the screen; with --serial it prints the end of what the guest wrote to its first serial port.',
  ],
  arguments: [started],
  options: [
    {
      flags: '--screenshot <file>',
      description: 'write a picture of the screen (PNG); never over another file',
      completes: 'files',
    },
    { flags: '--serial', description: 'print the end of what the guest wrote to its first serial port' },
  ],
  examples: [
    { command: 'sendense-run boot status pgtest1', description: 'Does it run, and what has it written?' },
    { command: 'sendense-run boot status pgtest1 --screenshot ./screen.png', description: 'What it shows' },
  ],
  exitCodes,
  seeAlso: ['boot', 'boot list'],
  load: async () => ({ action: (await import('../actions/boot.ts')).status }),
};

const start: CommandDefinition = {
  name: 'start',
  summary: 'Start a VM again that is off, with what its guest wrote',
  description: ['For a VM whose guest has shut down, whose QEMU was killed, or whose machine was restarted.'],
  arguments: [started],
  options: [],
  examples: [
    { command: 'sendense-run boot start pgtest1', description: 'After a restart of this machine' },
    { command: 'sendense-run boot start boot-4f2a91c0 --json', description: 'By its id, for a program' },
  ],
  exitCodes,
  seeAlso: ['boot', 'boot stop'],
  load: async () => ({ action: (await import('../actions/boot.ts')).start }),
};

const stop: CommandDefinition = {
  name: 'stop',
  summary: 'End a VM that runs from a restore point, and throw away what its guest wrote',
  description: [
    'Ends the VM and removes its folder. The restore point stays as it was. What the guest wrote is lost, unless its data has moved (`boot move`): the moved disks stay. The command asks first.',
    'With --power-off the guest shuts down, and what it wrote stays: `boot start` starts it again.',
  ],
  arguments: [started],
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--power-off', description: 'only switch it off; keep what the guest wrote' },
    { flags: '--force', description: 'with --power-off: pull its plug instead of asking the guest to shut down' },
    {
      flags: '--timeout <duration>',
      description: 'with --power-off: how long the guest may take',
      default: '5m',
      completes: 'nothing',
    },
  ],
  examples: [
    { command: 'sendense-run boot stop pgtest1', description: 'After a look at it' },
    { command: 'sendense-run boot stop pgtest1 --power-off', description: 'Shut it down, and keep what it wrote' },
  ],
  exitCodes,
  seeAlso: ['boot', 'boot start', 'boot keep', 'boot move'],
  load: async () => ({ action: (await import('../actions/boot.ts')).stop }),
};

const move: CommandDefinition = {
  name: 'move',
  summary: 'Move the data of a running VM into its place',
  description: [
    'Copies the disks out of the repository into a directory while the guest runs: disk-0.qcow2, disk-1.qcow2, … What the guest writes meanwhile goes there too. At the end the VM needs the repository no more.',
    'The copying goes on when this command ends or is killed. If QEMU is killed, `boot start` starts the VM again, and the copying goes on where it was. Nothing is lost on the way: until the end the restore point and what the guest wrote stay.',
  ],
  arguments: [started],
  options: [
    {
      flags: '-t, --to <directory>',
      description: 'where the disks go (required); the command makes it if it is missing',
      completes: 'folders',
    },
    {
      flags: '--limit <size>',
      description:
        'bytes a second for each disk, such as 50MiB; give the command again to change it (default: no limit)',
      completes: 'nothing',
    },
    { flags: '--no-wait', description: 'return when it has begun' },
  ],
  examples: [
    { command: 'sendense-run boot move pgtest1 --to /var/lib/libvirt/images/pgtest1', description: 'Into its place' },
    {
      command: 'sendense-run boot move pgtest1 --to /srv/vms/pgtest1 --no-wait',
      description: '`boot status` shows how far it is',
    },
  ],
  exitCodes,
  files: [['DIRECTORY/disk-<n>.qcow2', 'The disks, once all data is there.']],
  seeAlso: ['boot', 'boot status'],
  load: async () => ({ action: (await import('../actions/boot.ts')).move }),
};

const keep: CommandDefinition = {
  name: 'keep',
  summary: 'Make a restore point of what the guest of a running VM wrote',
  description: [
    'Copies what the guest wrote into the repository: a restore point on top of the one that the VM runs from. The guest is paused meanwhile, and goes on afterwards; its disks are as after a power cut. For more, shut it down first: `boot stop --power-off`.',
    'The restore point is a side branch of the VM: `latest` and times never mean it, and no backup is built on it. You name it by its id. It is protected until you say `unprotect`; then the next prune removes it.',
  ],
  arguments: [started],
  options: [
    {
      flags: '--compress <type>',
      description: 'compress what is stored (default: as the repository says)',
      choices: ['none', 'zstd'],
    },
    { flags: '-n, --dry-run', description: 'show what would happen, and change nothing' },
  ],
  examples: [
    { command: 'sendense-run boot keep pgtest1', description: 'Before you try something in it' },
    { command: 'sendense-run boot keep boot-4f2a91c0 --json', description: 'By its id, for a program' },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 14, 16, 70, 130, 143],
  seeAlso: ['boot', 'list', 'unprotect'],
  load: async () => ({ action: (await import('../actions/boot-keep.ts')).action }),
};

const watch: CommandDefinition = {
  name: 'watch',
  summary: 'Look after the VMs that run from restore points',
  description: ['The other commands of `boot` start it. It ends by itself when no such VM runs.'],
  arguments: [],
  options: [],
  examples: [{ command: 'sendense-run boot watch', description: 'What `boot` starts' }],
  exitCodes: [0, 10, 70],
  seeAlso: ['boot'],
  hidden: true,
  load: async () => ({ action: (await import('../actions/boot-watch.ts')).action }),
};

export const boot: CommandDefinition = {
  name: 'boot',
  summary: 'Start a VM from a restore point at once, without a restore',
  description: [
    'Starts the VM from the files in the repository, which nobody changes: what the guest writes goes into a folder beside the state database. The VM goes on when the command ends. It has the hardware of the saved configuration, and no network unless you say so.',
    'As long as it runs, Sendense removes and merges nothing of the restore point. `boot move` copies its disks into their place while it runs; `boot keep` makes a restore point of what its guest wrote; `boot stop` throws it away.',
  ],
  arguments: [
    {
      syntax: '<vm-or-point>',
      description: 'VM (its newest restore point), VM@POINT, or the id of a restore point',
      completes: 'points',
    },
  ],
  options: [
    {
      flags: '--network <network>',
      description:
        'none; isolated: network cards that reach nothing; bridge:NAME: a bridge of this machine; or the name of a network of libvirt',
      default: 'none',
      completes: ['none', 'isolated', 'bridge:'],
    },
    { flags: '--keep-mac', description: 'keep the MAC addresses; only if the old VM is off' },
    { flags: '--keep-identity', description: 'keep the uuid that the guest sees; only if the old VM is off' },
    { flags: '--memory <size>', description: 'instead of what was saved: 4GiB', completes: 'nothing' },
    { flags: '--cpus <count>', description: 'instead of what was saved', completes: 'nothing' },
    { flags: '--firmware <firmware>', description: 'instead of what was saved', choices: ['bios', 'efi'] },
    {
      flags: '--accel <accel>',
      description: 'what runs the guest; tcg works everywhere, and is slow',
      choices: ['auto', 'kvm', 'tcg'],
      default: 'auto',
    },
    {
      flags: '--folder <folder>',
      description: 'where the folder with what the guest writes is made (default: beside the state database)',
      completes: 'folders',
    },
    {
      flags: '--reserve <size>',
      description: 'the guest is paused while the disk that it writes to has less free',
      default: '1GiB',
      completes: 'nothing',
    },
    {
      flags: '--quota <size>',
      description: 'the guest is paused when it has written so much (default: no limit)',
      completes: 'nothing',
    },
    { flags: '--by <name>', description: 'who wants it, for lists (default: you)', completes: 'nothing' },
    {
      flags: '--identity <uuid>',
      description: 'which VM, if several have restore points under this name; `list` shows the uuid',
      completes: 'nothing',
    },
    {
      flags: '-r, --repository <name>',
      description: 'repository to read (default: the one that has the VM)',
      completes: 'repositories',
    },
  ],
  examples: [
    { command: 'sendense-run boot pgtest1', description: 'The newest restore point, without a network' },
    { command: 'sendense-run boot pgtest1@yesterday --network isolated', description: 'As it was yesterday' },
    {
      command: 'sendense-run boot pgtest1 --network bridge:br0 --keep-mac --keep-identity',
      description: 'In the place of the VM that is gone',
    },
  ],
  exitCodes,
  files: [['STATE/boots/<id>/', 'What the guest writes, its sockets and logs.']],
  seeAlso: ['list', 'restore', 'verify'],
  commands: [list, status, start, stop, keep, move, watch],
  load: async () => ({ action: (await import('../actions/boot.ts')).boot }),
};
