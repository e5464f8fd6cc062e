import type { ArgumentDefinition, CommandDefinition } from '../command.ts';
import { installOptionsFor } from '../units/install-options.ts';

const plan: ArgumentDefinition = { syntax: '<plan>', description: 'name or file of a plan', completes: 'plans' };

const list: CommandDefinition = {
  name: 'list',
  summary: 'List schedules',
  description: [
    'One line a plan: when it is due next, whether it is paused, what became of its newest slot, and which file is not in force because it is invalid. Knows what a daemon or a timer has read.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run schedule list', description: 'Everything' },
    {
      command: "sendense-run schedule list --json | jq '.schedules[] | select(.paused)'",
      description: 'What is paused',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule next', 'schedule history', 'status'],
  load: () => import('../actions/schedule-list.ts'),
};

const next: CommandDefinition = {
  name: 'next',
  summary: 'Show the slots to come',
  description: ['The next slots of all plans or of one, with the jitter of this host, in the zone of each plan.'],
  arguments: [{ syntax: '[plan]', description: 'only this plan: its name or file', completes: 'plans' }],
  options: [{ flags: '-n, --count <n>', description: 'how many', default: '10', completes: 'nothing' }],
  examples: [
    { command: 'sendense-run schedule next -n 20', description: 'What comes in the next hours' },
    { command: 'sendense-run schedule next pgtest1.yaml', description: 'Try a schedule before it is in force' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule list'],
  load: () => import('../actions/schedule-next.ts'),
};

const history: CommandDefinition = {
  name: 'history',
  summary: 'Show what became of slots',
  description: [
    'Newest first: how its run went, or why there was none: missed, skipped, paused, blackout. It is known for 400 days.',
  ],
  arguments: [{ syntax: '[plan]', description: 'only this plan', completes: 'nothing' }],
  options: [
    { flags: '-n, --count <n>', description: 'how many', default: '20', completes: 'nothing' },
    {
      flags: '--state <state>',
      description: 'only slots of this state',
      choices: [
        'waiting',
        'running',
        'succeeded',
        'failed',
        'cancelled',
        'crashed',
        'missed',
        'skipped',
        'paused',
        'blackout',
      ],
    },
  ],
  examples: [
    { command: 'sendense-run schedule history pgtest1-nightly', description: 'The last 20 slots' },
    { command: 'sendense-run schedule history --state missed', description: 'What nobody ran' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule list', 'show'],
  load: () => import('../actions/schedule-history.ts'),
};

const run: CommandDefinition = {
  name: 'run',
  summary: 'Run a plan now, as its schedule would',
  description: [
    'With the text that is in force, which is the last valid one, and with a slot of its own in the history. Neither pause, blackout nor limits hold it back.',
    '--timer is for timers of systemd: runs what is due and not done yet, waits for the jitter and for its turn, follows pause, blackout, overlap and catchUp, and does nothing where a daemon was first.',
  ],
  arguments: [plan],
  options: [{ flags: '--timer', description: 'only what is due, with all that the schedule says' }],
  examples: [
    { command: 'sendense-run schedule run pgtest1-nightly', description: 'Not wait for the night' },
    { command: 'sendense-run schedule run plans/pgtest1-nightly.yaml', description: 'By its file' },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 14, 16, 70, 75, 130, 143],
  seeAlso: ['run', 'schedule backfill'],
  load: () => import('../actions/schedule-run.ts'),
};

const pause: CommandDefinition = {
  name: 'pause',
  summary: 'Pause the schedule of a plan',
  description: ['Its slots have no run until `schedule resume`; a run that goes on is not stopped.'],
  arguments: [{ syntax: '<plan>', description: 'name of a plan', completes: 'nothing' }],
  options: [
    {
      flags: '--reason <text>',
      description: 'shown with its slots; without it that of an earlier pause stays',
      completes: 'nothing',
    },
  ],
  examples: [
    { command: 'sendense-run schedule pause pgtest1-nightly --reason "storage moves"', description: 'For a while' },
    { command: 'sendense-run schedule list', description: 'And see that it is paused' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule resume'],
  load: () => import('../actions/schedule-pause.ts'),
};

const resume: CommandDefinition = {
  name: 'resume',
  summary: 'Let a paused schedule go on',
  description: [
    'With the next slot; those of the pause are not caught up (`schedule backfill` does). Counts failures anew.',
  ],
  arguments: [{ syntax: '<plan>', description: 'name of a plan', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run schedule resume pgtest1-nightly', description: 'After the cause is gone' },
    { command: 'sendense-run schedule next pgtest1-nightly', description: 'And see when it runs' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule pause'],
  load: () => import('../actions/schedule-resume.ts'),
};

const backfill: CommandDefinition = {
  name: 'backfill',
  summary: 'Run slots of the past that had no run',
  description: [
    'Runs slots that were missed, skipped, paused or in a blackout, one after another, oldest first. A backup always holds the VM as it is now, so one run for the latest is usually enough: --latest.',
  ],
  arguments: [plan],
  options: [
    {
      flags: '--from <time>',
      description: 'from this time on, for example 2026-11-20T00:00:00Z',
      completes: 'nothing',
    },
    { flags: '--to <time>', description: 'until this time (default: now)', completes: 'nothing' },
    { flags: '--latest', description: 'one run, for the latest slot; it makes up for the others' },
    { flags: '-n, --dry-run', description: 'show which slots it would run' },
  ],
  examples: [
    {
      command: 'sendense-run schedule backfill pgtest1-nightly --from 2026-11-20T00:00:00Z --latest',
      description: 'Make up for a lost weekend with one run',
    },
    {
      command: 'sendense-run schedule backfill sunday-verify --from 2026-11-01T00:00:00Z --to 2026-11-20T00:00:00Z',
      description: 'Each slot that was missed',
    },
  ],
  exitCodes: [0, 1, 2, 10, 11, 130, 143],
  seeAlso: ['schedule history', 'schedule run'],
  load: () => import('../actions/schedule-backfill.ts'),
};

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make timers of systemd, for those who want no daemon',
  description: [
    'Writes a timer and a service for each plan to /etc/systemd/system, enables and starts the timers. The timer is Persistent, so that what was missed while the machine was off is caught up at its start as the plan says; jitter, blackout, overlap and limits are kept by `schedule run --timer`, which the service runs.',
    'systemd knows no L, W and #, and no expression with both a day of the month and a weekday: those plans need the daemon. Where the clock changes, a timer may come at another moment than the slot; which slot it is for is decided by Sendense, so that none is run twice (docs/schedules.md).',
  ],
  arguments: [{ syntax: '<plan...>', description: 'names or files of plans', completes: 'plans' }],
  options: [
    { flags: '--systemd', description: 'timers of systemd: the only kind there is, and what is made without this too' },
    ...installOptionsFor('stop the timers of these plans and remove their files', 'the user of the services'),
  ],
  examples: [
    {
      command: 'sendense-run schedule install --print plans/pgtest1.yaml',
      description: 'Look at them first',
    },
    { command: 'sendense-run schedule install plans/*.yaml', description: 'A timer for each plan' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [['/etc/systemd/system/sendense-plan-<name>.timer', 'And .service: the units.']],
  seeAlso: ['daemon', 'schedule run'],
  load: () => import('../actions/schedule-install.ts'),
};

const runSlot: CommandDefinition = {
  name: 'run-slot',
  summary: 'Run a slot that the daemon has claimed for this process',
  description: ['The daemon starts this; there is no use for it otherwise.'],
  arguments: [
    { syntax: '<plan>', description: 'name of the plan', completes: 'nothing' },
    { syntax: '<slot>', description: 'the slot, milliseconds since the epoch', completes: 'nothing' },
    { syntax: '<run>', description: 'id of the run', completes: 'nothing' },
  ],
  options: [],
  examples: [],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 14, 16, 70, 75, 130, 143],
  seeAlso: ['daemon'],
  hidden: true,
  load: () => import('../actions/schedule-run-slot.ts'),
};

export const schedule: CommandDefinition = {
  name: 'schedule',
  summary: 'See and steer what runs by itself',
  description: ['What the daemon or timers of systemd run, when, and what became of it (docs/schedules.md).'],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run schedule list', description: 'All schedules' },
    { command: 'sendense-run schedule next', description: 'What comes next' },
    { command: 'sendense-run schedule history --state missed', description: 'What nobody ran' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['daemon', 'status'],
  commands: [list, next, history, run, pause, resume, backfill, install, runSlot],
};
