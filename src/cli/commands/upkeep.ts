import type { CommandDefinition } from '../command.ts';

export const upkeep: CommandDefinition = {
  name: 'upkeep',
  summary: 'Compact the state database and logs, and copy the database',
  description: [
    'The first run of each day does this at its end; this command does it now. It reduces old runs to one line per day and plan, removes old logs, and frees unused space in the database. Then it copies the database to `.sendense/` of each repository (`history` in sendense.yaml; docs/monitoring.md).',
    'It never touches active runs or crashed runs that need cleaning up. The last success and the last failure of each plan and VM stay.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run upkeep', description: 'Before an upgrade, or after you shortened keepRuns' },
    { command: "sendense-run upkeep --json | jq -r '.copies[].path'", description: 'The paths of the copies' },
  ],
  exitCodes: [0, 2, 3, 10, 130, 143],
  files: [['<repository>/.sendense/state-<date>-v<version>-<hub>.db', 'A copy of the state database.']],
  seeAlso: ['history', 'repo import', 'metrics'],
  load: () => import('../actions/upkeep.ts'),
};
