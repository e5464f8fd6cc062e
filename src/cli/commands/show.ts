import type { CommandDefinition } from '../command.ts';

export const show: CommandDefinition = {
  name: 'show',
  summary: 'Show the chains of a VM, or one restore point, as a tree',
  description: [
    'Each restore point with what it is built on, its date, and for each disk: full or incremental and why, size, bytes sent, change id and file.',
    'Without an argument: the VM, where there is only one.',
  ],
  arguments: [{ syntax: '[vm-or-point]', description: 'name of a VM or id of a restore point', completes: 'vms' }],
  options: [{ flags: '-r, --repository <name>', description: 'only this repository' }],
  examples: [
    { command: 'sendense-run show pgtest1', description: 'All chains of a VM' },
    { command: 'sendense-run show pgtest1-20261121T013000Z', description: 'One restore point in its chain' },
    {
      command: "sendense-run show pgtest1 --json | jq -r '.points[].disks[].path'",
      description: 'The files, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['list', 'check', 'restore'],
  load: () => import('../actions/show.ts'),
};
