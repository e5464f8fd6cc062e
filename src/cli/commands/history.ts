import type { CommandDefinition } from '../command.ts';

export const history: CommandDefinition = {
  name: 'history',
  summary: 'List past and active runs',
  description: [
    'Prints one line per run, newest first: time, plan, duration, bytes transferred and result. `sendense-run show RUN` shows all about one run, `sendense-run logs RUN` prints its log.',
    'Sendense forgets runs older than `history: keepRuns` of sendense.yaml and keeps only their daily totals. --daily shows the totals, one line per day and plan (UTC).',
  ],
  arguments: [],
  options: [
    { flags: '-p, --plan <name>', description: 'only this plan' },
    { flags: '--vm <name>', description: 'only this VM', completes: 'known-vms' },
    {
      flags: '--status <status>',
      description: 'only runs with this status; may be repeated',
      repeats: true,
      completes: ['running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'crashed'],
    },
    { flags: '--since <time>', description: 'only runs that started since then: 36h, 7d, 2026-11-01' },
    { flags: '-n, --limit <count>', description: 'at most this many lines', default: '50' },
    { flags: '--daily', description: 'totals of the runs of each day' },
  ],
  examples: [
    { command: 'sendense-run history', description: 'What ran lately?' },
    { command: 'sendense-run history --status failed --since 7d', description: 'What failed this week?' },
    { command: 'sendense-run history --plan pgtest1-nightly --daily', description: 'A plan over the months' },
    {
      command: "sendense-run history --json --limit 1000 | jq '[.runs[].bytes_transferred] | add'",
      description: 'How much was transferred, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['show', 'logs', 'status'],
  load: () => import('../actions/history.ts'),
};
