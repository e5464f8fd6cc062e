import type { CommandDefinition } from '../command.ts';

export const discover: CommandDefinition = {
  name: 'discover',
  summary: 'List the VMs of a source and the obstacles to a backup',
  description: [
    'Asks a node for the VMs of a vCenter or ESXi host: path, power, guest, disks, change tracking and snapshots. Findings name what stops or weakens a backup of each VM. For a source of type image it lists the VMs and their disks.',
    '--vm shows one VM in detail. --write-plan makes a plan for it that `sendense-run validate` accepts, with the findings as comments. It never overwrites a file.',
    'Findings do not change the exit status; --json has them in `findings`.',
  ],
  arguments: [{ syntax: '<source>', description: 'name of a source in sendense.yaml', completes: 'sources' }],
  options: [
    {
      flags: '--vm <vm>',
      description: 'only this VM: its name, inventory path or managed object id',
      completes: 'known-vms',
    },
    {
      flags: '--folder <path>',
      description: 'only VMs below this inventory path, for example /DC1/vm/web',
      completes: 'nothing',
    },
    { flags: '--node <node>', description: 'node to ask (default: local)', completes: 'nothing' },
    {
      flags: '--write-plan [file]',
      description: 'make a plan for the VM of --vm (default file: VM-nightly.yaml in this folder; -: print it)',
      completes: 'files',
    },
  ],
  examples: [
    { command: 'sendense-run discover production-vcenter', description: 'All VMs' },
    {
      command: 'sendense-run discover production-vcenter --vm pgtest1',
      description: 'One VM, with its disks and snapshots',
    },
    {
      command: 'sendense-run discover production-vcenter --vm /DC1/vm/pgtest1 --write-plan',
      description: 'A plan for it, pgtest1-nightly.yaml',
    },
    {
      command:
        'sendense-run discover production-vcenter --json | jq -r \'.vms[] | select(any(.findings[]; .level == "stops")) | .path\'',
      description: 'VMs that cannot be backed up, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12, 75, 130, 143],
  files: [['<vm>-nightly.yaml', 'The plan that --write-plan makes.']],
  seeAlso: ['credentials', 'plan', 'run'],
  load: () => import('../actions/discover.ts'),
};
