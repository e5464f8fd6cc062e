import type { CommandDefinition } from '../command.ts';

export const upkeep: CommandDefinition = {
  name: 'upkeep',
  summary: 'Keep the state database and the logs small, and copy the database to the repositories',
  description: [
    'Every run does this at its end where no run has done it that day; this command does it now. Old runs become one line a day and plan, old logs are removed, space in the database is given back, and a copy of the database goes to `.sendense/` of each repository (`history` in sendense.yaml; docs/monitoring.md).',
    'Runs that go on, and those that have to be cleaned up after, are never touched. The last success and the last failure of each plan and VM stay.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run upkeep', description: 'Before an upgrade, or after keepRuns was made shorter' },
    { command: "sendense-run upkeep --json | jq -r '.copies[].path'", description: 'Where the copies are' },
  ],
  exitCodes: [0, 2, 3, 10, 130, 143],
  files: [['<repository>/.sendense/state-<date>-v<version>-<hub>.db', 'A copy of the state database.']],
  seeAlso: ['history', 'repo import', 'metrics'],
  load: () => import('../actions/upkeep.ts'),
};
