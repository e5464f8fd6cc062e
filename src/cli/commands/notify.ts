import type { CommandDefinition } from '../command.ts';

const channelArgument = {
  syntax: '[channel]',
  description: 'name of a channel in sendense.yaml; default: all',
  completes: 'nothing',
} as const;

const test: CommandDefinition = {
  name: 'test',
  summary: 'Send a test message to a channel, or to all',
  description: [
    'Sends it at once, without retries, and says what went wrong. A ping channel gets a success; {plan} in its address is empty then.',
  ],
  arguments: [channelArgument],
  options: [],
  examples: [
    { command: 'sendense-run notify test', description: 'All channels' },
    { command: 'sendense-run notify test operators', description: 'One' },
  ],
  exitCodes: [0, 1, 2, 10, 130],
  seeAlso: ['notify'],
  load: () => import('../actions/notify-test.ts'),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the channels and how it goes with them',
  description: [
    'Name, type, where to (no secret), who uses it, how many messages wait, and why the last attempt failed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify list', description: 'All of them' },
    {
      command: "sendense-run notify list --json | jq -r '.channels[] | select(.failing_since) | .name'",
      description: 'Those that do not work, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['notify', 'status'],
  load: () => import('../actions/notify-list.ts'),
};

const flush: CommandDefinition = {
  name: 'flush',
  summary: 'Deliver what waits, and look for plans without a success in time',
  description: [
    'What the daemon does all the time. Where no daemon runs, call this from cron or a timer: it raises a notice for each plan without a success within its `rpo`, and delivers what earlier runs could not.',
    'Ends with 1 where messages still wait afterwards. They are tried for a day.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify flush', description: 'Every few minutes, from cron' },
    {
      command: 'sendense-run notify flush --json | jq .waiting',
      description: 'How much is left, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  seeAlso: ['notify', 'status'],
  load: () => import('../actions/notify-flush.ts'),
};

const history: CommandDefinition = {
  name: 'history',
  summary: 'Show notices and what became of them',
  description: [
    'Newest first: what was raised, which channels were told and when, what waits and why. Kept for 90 days.',
  ],
  arguments: [],
  options: [
    { flags: '-n, --number <count>', description: 'how many', default: '20', completes: 'nothing' },
    { flags: '--plan <name>', description: 'only about this plan', completes: 'nothing' },
  ],
  examples: [
    { command: 'sendense-run notify history', description: 'The last 20' },
    { command: 'sendense-run notify history --plan pgtest1-nightly -n 5', description: 'Of one plan' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['notify', 'status'],
  load: () => import('../actions/notify-history.ts'),
};

export const notify: CommandDefinition = {
  name: 'notify',
  summary: 'Channels on which Sendense says how it goes, and what was said',
  description: [
    'Channels stand under `notify:` in sendense.yaml, and plans may add to them: see docs/monitoring.md. A run delivers its own notices at its end; the daemon delivers all, and tries again what failed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify test', description: 'Does every channel work?' },
    { command: 'sendense-run notify history', description: 'What was said, and what waits?' },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  seeAlso: ['status', 'run'],
  commands: [list, test, flush, history],
};
