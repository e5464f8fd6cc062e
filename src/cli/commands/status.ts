import type { CommandDefinition } from '../command.ts';

export const status: CommandDefinition = {
  name: 'status',
  summary: 'Show how it goes with the plans, runs, locks and port leases',
  description: [
    'Each plan with its last success and how old it is, against its `rpo:`; plans that run, fail, are late or paused; channels of notices that do not work; the last runs with how they ended, which of them still go on, the locks that they hold and the ports that they lease. A run whose process is gone is marked: `sendense-run recover` cleans up after it.',
    'Each repository with when its files were last read again (`rereadWithin` of the settings, docs/verification.md).',
    'Ends with 1 if a plan has no success within its rpo, if the last run of a plan failed, if a plan file is invalid, if the file of a plan is gone, if files of a repository were not read again in time, or if something is dated in the future; else with 0.',
    '--format nagios prints one line and ends as plugins for Nagios, Icinga and others do: 0 OK, 1 WARNING (a plan fails or is paused, its file is gone, a slot was missed, files were not read again in time, a channel is dead, a run was left behind), 2 CRITICAL (no success within the rpo, or something is dated in the future), 3 UNKNOWN.',
  ],
  arguments: [],
  options: [
    {
      flags: '-f, --format <format>',
      description: 'form of the output',
      choices: ['table', 'json', 'nagios'],
      default: 'table',
    },
    {
      flags: '--plans <folder>',
      description: 'only the plans of this folder, those that never ran too',
      completes: 'folders',
    },
    { flags: '--vm <name>', description: 'only this VM', completes: 'known-vms' },
  ],
  examples: [
    { command: 'sendense-run status', description: 'What goes on?' },
    {
      command: 'sendense-run status --format nagios --plans /etc/sendense/plans',
      description: 'For a monitoring system',
    },
    {
      command: 'sendense-run status --json | jq \'.runs[] | select(.status == "failed") | .error.message\'',
      description: 'Why runs failed, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['recover', 'run', 'notify'],
  load: () => import('../actions/status.ts'),
};
