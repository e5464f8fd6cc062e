import type { CommandDefinition } from '../command.ts';

export const logs: CommandDefinition = {
  name: 'logs',
  summary: 'Print what a run said, also while it goes on',
  description: [
    'Each run has a log, whoever began it: its events, as `sendense-run --json` prints them, in logs/ beside the state database. This prints it as a person reads it; with --json the events as they are.',
    'Logs are removed after `history: keepLogs` of sendense.yaml, or when all together are larger than `maxLogBytes`.',
    'What the node wrote about a transfer that failed is another log: `sendense-run show RUN --log`.',
  ],
  arguments: [{ syntax: '[run]', description: 'id of a run (default: the newest)', completes: 'nothing' }],
  options: [
    { flags: '-f, --follow', description: 'go on until the run has ended' },
    { flags: '--step <id>', description: 'only this step' },
  ],
  examples: [
    { command: 'sendense-run logs -f', description: 'Watch the run that began last, of whatever process' },
    { command: 'sendense-run logs 20261121T013000Z-4f3a9c --step transfer', description: 'One step of a run' },
    {
      command: 'sendense-run logs --json 20261121T013000Z-4f3a9c | jq \'select(.level == "warning") | .message\'',
      description: 'Its warnings, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  files: [['<state folder>/logs/<yyyy-mm>/<run>.jsonl', 'The log of a run, one event a line.']],
  seeAlso: ['history', 'show', 'status'],
  load: () => import('../actions/logs.ts'),
};
