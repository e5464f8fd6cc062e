import type { CommandDefinition } from '../command.ts';

export const history: CommandDefinition = {
  name: 'history',
  summary: 'List the runs that there were',
  description: [
    'One line a run, newest first: when, what, how long, how much was transferred, and how it ended. `sendense-run show RUN` has all of one, `sendense-run logs RUN` what it said.',
    'Runs older than `history: keepRuns` of sendense.yaml are forgotten but for what they add up to: --daily shows that, one line a day and plan (UTC).',
  ],
  arguments: [],
  options: [
    { flags: '-p, --plan <name>', description: 'only this plan' },
    { flags: '--vm <name>', description: 'only this VM', completes: 'known-vms' },
    {
      flags: '--status <status>',
      description: 'only runs that ended so, or go on; may be repeated',
      repeats: true,
      completes: ['running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'crashed'],
    },
    { flags: '--since <time>', description: 'begun since then: 36h, 7d, 2026-11-01' },
    { flags: '-n, --limit <count>', description: 'so many at most', default: '50' },
    { flags: '--daily', description: 'what the runs of each day add up to' },
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
