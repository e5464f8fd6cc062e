import type { CommandDefinition } from '../command.ts';

export const status: CommandDefinition = {
  name: 'status',
  summary: 'Show runs, locks and port leases',
  description: [
    'The last runs with how they ended, which of them still go on, the locks that they hold and the ports that they lease. A run whose process is gone is marked: `sendense-run recover` cleans up after it.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run status', description: 'What goes on?' },
    {
      command: 'sendense-run status --json | jq \'.runs[] | select(.status == "failed") | .error.message\'',
      description: 'Why runs failed, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['recover', 'run'],
  load: () => import('../actions/status.ts'),
};
