import type { CommandDefinition } from '../command.ts';
import { installOptions } from '../units/install-options.ts';
import { logLevelOption } from '../units/log-level-option.ts';

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make the daemon a service of systemd',
  description: [
    'Writes sendense-daemon.service to /etc/systemd/system, enables and starts it. Again is fine: what is current stays. A file that is not of Sendense is never touched.',
    'The service runs as the user sendense, who can write to the folder of the state database and to the repositories of sendense.yaml only; install again when they change. Plans that read disks of this machine need a user who may read those: --user.',
  ],
  arguments: [
    { syntax: '[folder]', description: 'folder of the plans (default: that of sendense.yaml)', completes: 'folders' },
  ],
  options: installOptions,
  examples: [
    { command: 'sendense-run daemon install /etc/sendense/plans', description: 'Run what is scheduled in that folder' },
    { command: 'sendense-run daemon install --print', description: 'Look at the unit first' },
    { command: 'sendense-run daemon install --remove', description: 'Take it away; plans, settings and state stay' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [['/etc/systemd/system/sendense-daemon.service', 'The unit.']],
  seeAlso: ['daemon', 'schedule'],
  load: () => import('../actions/daemon-install.ts'),
};

export const daemon: CommandDefinition = {
  name: 'daemon',
  summary: 'Run plans when they are due (a service)',
  description: [
    'Runs every plan of the folder, and of those below it, that has a `schedule:`, until SIGTERM or SIGINT. All of them run with the settings of this folder. docs/schedules.md says what becomes of each slot, where clocks change too.',
    'Watches the folder. A plan whose file becomes invalid stays in force with its last valid text, also over a restart, and somebody is told; a plan whose file is gone is not scheduled any more. SIGHUP reads settings and plans again.',
    'Each run is a process of its own; `limits:` of sendense.yaml says how many go on at once, and what waits begins oldest slot first. Other daemons on the same database, runs by hand and `sendense-run hub` are fine beside it: no slot is run twice.',
    'The first SIGTERM begins nothing new and waits for runs that go on, as long as --drain says; then it stops them and cleans up, which a second SIGTERM does at once. A third returns at once.',
    'Cleans up, as `sendense-run recover` does, after every run whose process died, whoever began it.',
    'Logs JSON lines to standard error.',
  ],
  arguments: [
    { syntax: '[folder]', description: 'folder of the plans (default: that of sendense.yaml)', completes: 'folders' },
  ],
  options: [
    {
      flags: '--drain <duration>',
      description: 'how long the first SIGTERM lets runs go on, for example 30m or 0s',
      default: '10m',
      completes: 'nothing',
    },
    {
      flags: '--poll <duration>',
      description: 'how often to look at the folder without being told of a change',
      default: '1m',
      completes: 'nothing',
    },
    logLevelOption,
  ],
  examples: [
    { command: 'sendense-run daemon /etc/sendense/plans', description: 'Run what is scheduled there' },
    { command: 'sendense-run daemon install /etc/sendense/plans', description: 'The same as a service of systemd' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  seeAlso: ['schedule', 'hub', 'status'],
  commands: [install],
  load: () => import('../actions/daemon.ts'),
};
