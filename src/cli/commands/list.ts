import type { CommandDefinition } from '../command.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

export const list: CommandDefinition = {
  name: 'list',
  summary: 'List restore points',
  description: [
    'Prints one line per restore point, oldest first: VM, id, full or incremental, time, size of its files, disks, length of its chain, and the levels at which it was verified.',
  ],
  arguments: [{ syntax: '[vm]', description: 'only this VM', completes: 'vms' }],
  options: [repositoryOrPath('only this repository'), ...keyOptions],
  examples: [
    { command: 'sendense-run list', description: 'Everything' },
    { command: 'sendense-run list pgtest1', description: 'One VM' },
    {
      command: 'sendense-run list --repository /mnt/repository',
      description: 'Rescue: read a repository without settings or database',
    },
    {
      command: "sendense-run list pgtest1 --json | jq -r '.points[-1].backup_id'",
      description: 'The id of the newest restore point, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['show', 'restore', 'check'],
  load: () => import('../actions/list.ts'),
};
