import type { CommandDefinition } from '../command.ts';
import { asOption } from '../as-option.ts';

export const plan: CommandDefinition = {
  name: 'plan',
  summary: 'Show what a run would do, without doing it (dry-run)',
  description: [
    'Shows for each step the commands with their arguments, the files that it would make (+), change (~) and remove (-), and port leases. Shows for each disk whether it would be full or incremental and why, and how many bytes to expect. It also names what only the run itself can know.',
    'The command reads the source and the repository and writes nothing at all: no file, no lease, no row in the state database.',
  ],
  arguments: [{ syntax: '<plan...>', description: 'plan files (YAML), or - for standard input', completes: 'plans' }],
  options: [
    {
      flags: '-m, --mode <mode>',
      description: 'as in `sendense-run run`',
      choices: ['auto', 'full', 'incremental'],
    },
    asOption,
  ],
  examples: [
    { command: 'sendense-run plan pgtest1-nightly.yaml', description: 'Full or incremental tonight, and why?' },
    { command: 'sendense-run plan --mode full pgtest1-nightly.yaml', description: 'What would a new full backup do?' },
    {
      command: 'sendense-run plan - --as plans/pgtest1-nightly.yaml < changed.yaml',
      description: 'What would it do with another text?',
    },
    {
      command: "sendense-run plan --json pgtest1-nightly.yaml | jq '.disks[] | {disk, mode, reason}'",
      description: 'The decision of each disk, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12, 75],
  files: [['sendense.yaml', 'Settings; `sendense-run run` searches for them in the same places.']],
  seeAlso: ['run', 'validate', 'explain'],
  load: () => import('../actions/plan.ts'),
};
