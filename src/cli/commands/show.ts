import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

export const show: CommandDefinition = {
  name: 'show',
  summary: 'Show the chains of a VM, a restore point, or a run',
  description: [
    'Prints a tree: each restore point with its parent and its date, when it was verified and what that found, and for each disk full or incremental and why, size, bytes sent, change id and file.',
    'With --run, or with the id of a run that made no restore point, it prints that run step by step, and why it failed.',
    'With --log it prints the log of the node about the transfer of that run. In logs/ beside the state database the hub keeps the logs of the newest 100 transfers that failed, were cancelled or crashed, and of each log the last 256 KiB.',
    'Without an argument it shows the VM, if there is only one.',
  ],
  arguments: [
    { syntax: '[vm-or-id]', description: 'name of a VM, id of a restore point or of a run', completes: 'vms' },
  ],
  options: [
    repositoryOrPath('only this repository'),
    ...keyOptions,
    pointOption('of that VM this restore point'),
    { flags: '--run', description: 'show the run with that id, even if it made a restore point' },
    { flags: '--log', description: 'print the log of the transfer of that run' },
  ],
  examples: [
    { command: 'sendense-run show pgtest1', description: 'All chains of a VM' },
    { command: 'sendense-run show 20261121T013000Z-4f2a91', description: 'One restore point in its chain' },
    { command: 'sendense-run show pgtest1 --point yesterday', description: 'The last restore point of yesterday' },
    { command: 'sendense-run show 20261121T013000Z-4f3a9c --log', description: 'Why did the transfer of a run fail?' },
    {
      command: "sendense-run show pgtest1 --json | jq -r '.points[].disks[].path'",
      description: 'The files, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  files: [['<state folder>/logs/', 'Logs of transfers that failed.']],
  seeAlso: ['list', 'status', 'check', 'restore'],
  load: () => import('../actions/show.ts'),
};
