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
    'Sends the message at once, without retries, and reports what went wrong. A ping channel gets a success; {plan} in its address is then empty.',
  ],
  arguments: [channelArgument],
  options: [],
  examples: [
    { command: 'sendense-run notify test', description: 'All channels' },
    { command: 'sendense-run notify test operators', description: 'One' },
  ],
  exitCodes: [0, 1, 2, 10, 130],
  seeAlso: ['notify'],
  load: async () => ({ action: (await import('../actions/notify.ts')).test }),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the channels and their state',
  description: [
    'Shows name, type, destination (without secrets), who uses the channel, how many messages wait, and why the last attempt failed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify list', description: 'All of them' },
    {
      command: "sendense-run notify list --json | jq -r '.channels[] | select(.failing_since) | .name'",
      description: 'Channels that do not work, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['notify', 'status'],
  load: async () => ({ action: (await import('../actions/notify.ts')).list }),
};

const flush: CommandDefinition = {
  name: 'flush',
  summary: 'Deliver waiting messages, and look for overdue plans',
  description: [
    'The daemon does this all the time. If you run no daemon, call this from cron or a timer. It raises a notice for each plan without a success within its `rpo`, and delivers messages that earlier runs could not deliver.',
    'Ends with 1 if messages still wait afterwards. Sendense retries a message for a day.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify flush', description: 'Every few minutes, from cron' },
    {
      command: 'sendense-run notify flush --json | jq .waiting',
      description: 'How many messages still wait, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  seeAlso: ['notify', 'status'],
  load: async () => ({ action: (await import('../actions/notify.ts')).flush }),
};

const history: CommandDefinition = {
  name: 'history',
  summary: 'Show notices and their delivery',
  description: [
    'Lists notices, newest first: which channels got each one and when, and what still waits and why. Sendense keeps them for 90 days.',
  ],
  arguments: [],
  options: [
    { flags: '-n, --number <count>', description: 'how many', default: '20', completes: 'nothing' },
    { flags: '--plan <name>', description: 'only about this plan', completes: 'nothing' },
  ],
  examples: [
    { command: 'sendense-run notify history', description: 'The last 20' },
    { command: 'sendense-run notify history --plan pgtest1-nightly -n 5', description: 'The last 5 of one plan' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['notify', 'status'],
  load: async () => ({ action: (await import('../actions/notify.ts')).history }),
};

export const notify: CommandDefinition = {
  name: 'notify',
  summary: 'Test notification channels and list notices',
  description: [
    'You define channels under `notify:` in sendense.yaml, and plans may add to them: see docs/monitoring.md. A run delivers its own notices at its end. The daemon delivers all notices and retries those that failed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run notify test', description: 'Does every channel work?' },
    { command: 'sendense-run notify history', description: 'Which notices were sent, and which wait?' },
  ],
  exitCodes: [0, 1, 2, 10, 130, 143],
  seeAlso: ['status', 'run'],
  commands: [list, test, flush, history],
};
