import { slotStates } from '../../state/schedules/slot-states.ts';
import type { ArgumentDefinition, CommandDefinition } from '../command.ts';
import { installOptionsFor } from '../units/install-options.ts';

const plan: ArgumentDefinition = { syntax: '<plan>', description: 'name or file of a plan', completes: 'plans' };

const list: CommandDefinition = {
  name: 'list',
  summary: 'List schedules',
  description: [
    'Prints one line per plan: when it is due next, whether it is paused, and the result of its newest slot. Names files that are not in force because they are invalid. The command knows only plans that a daemon or a timer has read.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run schedule list', description: 'Everything' },
    {
      command: "sendense-run schedule list --json | jq '.schedules[] | select(.paused)'",
      description: 'The paused schedules',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule next', 'schedule history', 'status'],
  load: async () => ({ action: (await import('../actions/schedule.ts')).list }),
};

const next: CommandDefinition = {
  name: 'next',
  summary: 'Show the slots to come',
  description: [
    'Prints the next slots of all plans or of one, with the jitter of this host, in the time zone of each plan.',
  ],
  arguments: [{ syntax: '[plan]', description: 'only this plan: its name or file', completes: 'plans' }],
  options: [{ flags: '-n, --count <n>', description: 'how many', default: '10', completes: 'nothing' }],
  examples: [
    { command: 'sendense-run schedule next -n 20', description: 'The next 20 slots' },
    { command: 'sendense-run schedule next pgtest1.yaml', description: 'Try a schedule before it is in force' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule list'],
  load: async () => ({ action: (await import('../actions/schedule.ts')).next }),
};

const history: CommandDefinition = {
  name: 'history',
  summary: 'Show past slots and their results',
  description: [
    'Prints slots, newest first: the result of the run, or why there was none (missed, skipped, paused, blackout). Sendense keeps slots for 400 days.',
  ],
  arguments: [{ syntax: '[plan]', description: 'only this plan', completes: 'nothing' }],
  options: [
    { flags: '-n, --count <n>', description: 'how many', default: '20', completes: 'nothing' },
    {
      flags: '--state <state>',
      description: 'only slots of this state',
      choices: slotStates,
    },
  ],
  examples: [
    { command: 'sendense-run schedule history pgtest1-nightly', description: 'The last 20 slots' },
    { command: 'sendense-run schedule history --state missed', description: 'Slots that were missed' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule list', 'show'],
  load: async () => ({ action: (await import('../actions/schedule.ts')).history }),
};

const run: CommandDefinition = {
  name: 'run',
  summary: 'Run a plan now, as its schedule would',
  description: [
    'Uses the text of the plan that is in force: the last valid one. The run gets a slot of its own in the history. Pause, blackout and limits do not hold it back.',
    '--timer is for timers of systemd. It runs a slot that is due and not done yet, and waits for the jitter and for its turn. It follows pause, blackout, overlap and catchUp. It does nothing if a daemon was first.',
  ],
  arguments: [plan],
  options: [{ flags: '--timer', description: 'run only a slot that is due, and follow all of the schedule' }],
  examples: [
    { command: 'sendense-run schedule run pgtest1-nightly', description: 'Run it without waiting for the night' },
    { command: 'sendense-run schedule run plans/pgtest1-nightly.yaml', description: 'By its file' },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 14, 16, 70, 75, 130, 143],
  seeAlso: ['run', 'schedule backfill'],
  load: () => import('../actions/schedule-run.ts'),
};

const pause: CommandDefinition = {
  name: 'pause',
  summary: 'Pause the schedule of a plan',
  description: ['Its slots have no run until `schedule resume`. The command does not stop an active run.'],
  arguments: [{ syntax: '<plan>', description: 'name of a plan', completes: 'nothing' }],
  options: [
    {
      flags: '--reason <text>',
      description: 'why, shown with its slots; without it the reason of an earlier pause stays',
      completes: 'nothing',
    },
  ],
  examples: [
    { command: 'sendense-run schedule pause pgtest1-nightly --reason "storage moves"', description: 'For a while' },
    { command: 'sendense-run schedule list', description: 'See that it is paused' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule resume'],
  load: async () => ({ action: (await import('../actions/schedule.ts')).pause }),
};

const resume: CommandDefinition = {
  name: 'resume',
  summary: 'Resume a paused schedule',
  description: [
    'The plan runs again from its next slot on. Slots of the pause are not caught up; `schedule backfill` runs those. The count of failures starts at zero.',
  ],
  arguments: [{ syntax: '<plan>', description: 'name of a plan', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run schedule resume pgtest1-nightly', description: 'After you removed the cause' },
    { command: 'sendense-run schedule next pgtest1-nightly', description: 'See when it runs' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['schedule pause'],
  load: async () => ({ action: (await import('../actions/schedule.ts')).resume }),
};

const backfill: CommandDefinition = {
  name: 'backfill',
  summary: 'Run slots of the past that had no run',
  description: [
    'Runs slots that were missed, skipped, paused or in a blackout, one after another, oldest first. A backup always holds the VM as it is now, so one run for the latest slot is usually enough: --latest.',
  ],
  arguments: [plan],
  options: [
    {
      flags: '--from <time>',
      description: 'from this time on, for example 2026-11-20T00:00:00Z',
      completes: 'nothing',
    },
    { flags: '--to <time>', description: 'until this time (default: now)', completes: 'nothing' },
    { flags: '--latest', description: 'make one run, for the latest slot; it covers the others' },
    { flags: '-n, --dry-run', description: 'show the slots and run nothing' },
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
  load: async () => ({ action: (await import('../actions/schedule.ts')).backfill }),
};

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make timers of systemd, if you want no daemon',
  description: [
    'Writes a timer and a service for each plan to /etc/systemd/system, enables and starts the timers. Each timer is Persistent: when the machine starts, it catches up slots that were missed while it was off, as the plan says. The service runs `schedule run --timer`, which follows jitter, blackout, overlap and limits.',
    'systemd knows no L, W and #, and no expression with both a day of the month and a weekday: plans that use these need the daemon. When clocks change, a timer may fire at another moment than the slot. Sendense decides which slot the timer stands for, so no slot runs twice (docs/schedules.md).',
  ],
  arguments: [{ syntax: '<plan...>', description: 'names or files of plans', completes: 'plans' }],
  options: [
    { flags: '--systemd', description: 'make timers of systemd: the only kind, and the default' },
    ...installOptionsFor('stop the timers of these plans and remove their files', 'the user of the services'),
  ],
  examples: [
    {
      command: 'sendense-run schedule install --print plans/pgtest1.yaml',
      description: 'See the units first',
    },
    { command: 'sendense-run schedule install plans/*.yaml', description: 'A timer for each plan' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [
    ['/etc/systemd/system/sendense-plan-<name>.timer', 'The timer; the service has the same name with .service.'],
  ],
  seeAlso: ['daemon', 'schedule run'],
  load: () => import('../actions/schedule-install.ts'),
};

const runSlot: CommandDefinition = {
  name: 'run-slot',
  summary: 'Run a slot that the daemon has claimed for this process',
  description: ['The daemon starts this command. Do not call it yourself.'],
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
  summary: 'Show and control scheduled runs',
  description: [
    'Shows the slots that the daemon or timers of systemd run, and their results. Pauses, resumes and repeats them (docs/schedules.md).',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run schedule list', description: 'All schedules' },
    { command: 'sendense-run schedule next', description: 'The next slots' },
    { command: 'sendense-run schedule history --state missed', description: 'Slots that were missed' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['daemon', 'status'],
  commands: [list, next, history, run, pause, resume, backfill, install, runSlot],
};
