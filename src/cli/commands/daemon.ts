import type { CommandDefinition } from '../command.ts';
import { installOptions } from '../units/install-options.ts';
import { logLevelOption } from '../units/log-level-option.ts';

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make the daemon a service of systemd',
  description: [
    'Writes sendense-daemon.service to /etc/systemd/system, enables and starts it. You can repeat it: a unit that is current stays. It never touches a file that Sendense did not write.',
    'The service runs as the user sendense, who can write only to the folder of the state database and to the repositories of sendense.yaml. Install again when these change. If plans read disks of this machine, name a user who may read them: --user.',
  ],
  arguments: [
    {
      syntax: '[folder]',
      description: 'folder of the plans (default: `hub: plans`, else that of sendense.yaml)',
      completes: 'folders',
    },
  ],
  options: installOptions,
  examples: [
    {
      command: 'sendense-run daemon install /etc/sendense/plans',
      description: 'Run the scheduled plans of that folder',
    },
    { command: 'sendense-run daemon install --print', description: 'See the unit first' },
    { command: 'sendense-run daemon install --remove', description: 'Remove it; plans, settings and state stay' },
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
    'Runs every plan with a `schedule:` in the folder and below it, until SIGTERM or SIGINT. All of them use the settings of this folder. docs/schedules.md explains what happens to each slot, also when clocks change.',
    'Watches the folder. If the file of a plan becomes invalid, the daemon raises a notice and goes on with the last valid text, also after a restart. If you delete the file, the daemon no longer schedules the plan. SIGHUP makes it read settings and plans again.',
    'Each run is a process of its own. `limits:` of sendense.yaml sets how many run at once; of those that wait, the oldest slot starts first. Other daemons on the same database, manual runs and `sendense-run hub` can work beside it: no slot runs twice.',
    'After the first SIGTERM the daemon starts no new run and waits up to --drain for active runs. Then it stops them and cleans up. A second SIGTERM does that at once. After a third the daemon exits at once.',
    'Cleans up after every run whose process died, whoever started it, as `sendense-run recover` does.',
    'Logs JSON lines to standard error.',
  ],
  arguments: [
    {
      syntax: '[folder]',
      description: 'folder of the plans (default: `hub: plans`, else that of sendense.yaml)',
      completes: 'folders',
    },
  ],
  options: [
    {
      flags: '--drain <duration>',
      description: 'how long active runs may continue after the first SIGTERM, for example 30m or 0s',
      default: '10m',
      completes: 'nothing',
    },
    {
      flags: '--poll <duration>',
      description: 'how often to look at the folder without a notification of a change',
      default: '1m',
      completes: 'nothing',
    },
    logLevelOption,
  ],
  examples: [
    { command: 'sendense-run daemon /etc/sendense/plans', description: 'Run the scheduled plans there' },
    { command: 'sendense-run daemon install /etc/sendense/plans', description: 'The same as a service of systemd' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  seeAlso: ['schedule', 'hub', 'status'],
  commands: [install],
  load: () => import('../actions/daemon.ts'),
};
