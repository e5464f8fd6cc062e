import type { CommandDefinition } from '../command.ts';

export const logs: CommandDefinition = {
  name: 'logs',
  summary: 'Print the log of a run, also while it runs',
  description: [
    'Each run has a log, whoever started it: its events, as `sendense-run --json` prints them, in logs/ beside the state database. This command prints it as text; with --json it prints the events unchanged.',
    'Sendense removes logs after `history: keepLogs` of sendense.yaml, or when all together exceed `maxLogBytes`.',
    'The node keeps its own log of a failed transfer: see `sendense-run show RUN --log`.',
  ],
  arguments: [{ syntax: '[run]', description: 'id of a run (default: the newest)', completes: 'nothing' }],
  options: [
    { flags: '-f, --follow', description: 'follow the log until the run ends' },
    { flags: '--step <id>', description: 'only this step' },
  ],
  examples: [
    { command: 'sendense-run logs -f', description: 'Watch the newest run, whichever process started it' },
    { command: 'sendense-run logs 20261121T013000Z-4f3a9c --step transfer', description: 'One step of a run' },
    {
      command: 'sendense-run logs --json 20261121T013000Z-4f3a9c | jq \'select(.level == "warning") | .message\'',
      description: 'Its warnings, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  files: [['<state folder>/logs/<yyyy-mm>/<run>.jsonl', 'The log of a run, one event per line.']],
  seeAlso: ['history', 'show', 'status'],
  load: () => import('../actions/logs.ts'),
};
