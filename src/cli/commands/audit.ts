import type { CommandDefinition } from '../command.ts';

export const audit: CommandDefinition = {
  name: 'audit',
  summary: 'List who changed what, who logged in, and who read which files',
  description: [
    "The audit log has every request to the hub's API that changes something, every login, good or bad, every change of users and tokens by a command, and what `sendense-run files log` has. The newest entry is the last.",
    'The name at a failed login is missing where there is no such user: people type passwords there by mistake.',
    'Sendense removes entries older than `history: keepAudit` of sendense.yaml, and reads of files older than `keepRuns`.',
  ],
  arguments: [],
  options: [
    { flags: '--who <name>', description: 'only of this user or token', completes: 'nothing' },
    { flags: '--action <action>', description: 'only this action, for example login or runPlan', completes: 'nothing' },
    { flags: '--failed', description: 'only what went wrong' },
    { flags: '--since <time>', description: 'only since then: 36h, 7d, 2026-11-01' },
    { flags: '-n, --limit <count>', description: 'at most this many entries, the newest', default: '50' },
  ],
  examples: [
    { command: 'sendense-run audit', description: 'What did people do lately?' },
    { command: 'sendense-run audit --action login --failed --since 7d', description: 'Who tried to get in?' },
    {
      command: "sendense-run audit --since 30d --limit 10000 --json | jq -r '.entries[].who' | sort | uniq -c",
      description: 'How much everybody did, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'files log', 'history'],
  load: () => import('../actions/audit.ts'),
};
