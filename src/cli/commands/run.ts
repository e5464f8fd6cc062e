import type { CommandDefinition } from '../command.ts';
import { asOption } from '../as-option.ts';

export const run: CommandDefinition = {
  name: 'run',
  summary: 'Run one or more plans (the default command)',
  description: [
    'Runs each plan, one after another: validates it, expands it into steps, and executes them. A run either reaches its end or leaves nothing behind. A failed or stopped run removes what it made. After a crash, the next run or `sendense-run recover` cleans up.',
    'You can leave out the word `run`. The first SIGINT (Ctrl-C) or SIGTERM stops the run and cleans up; a second one returns at once.',
    'Progress goes to standard error: bars on a terminal, lines with the time elsewhere. The summary goes to standard output. With --json, standard output has one JSON object per line; the last one is `run.finished`.',
  ],
  arguments: [{ syntax: '<plan...>', description: 'plan files (YAML), or - for standard input', completes: 'plans' }],
  options: [
    {
      flags: '-m, --mode <mode>',
      description:
        'override the mode of a backup plan: auto decides for each disk, full starts a new chain, incremental refuses if it is not safe',
      choices: ['auto', 'full', 'incremental'],
    },
    asOption,
    {
      flags: '-n, --dry-run',
      description: 'show each step and write nothing; the same as `sendense-run plan`',
    },
  ],
  examples: [
    { command: 'sendense-run pgtest1-nightly.yaml', description: 'Back up, full or incremental as the plan says' },
    {
      command: 'sendense-run run --mode full pgtest1-nightly.yaml',
      description: 'Start a new chain, whatever the plan says',
    },
    { command: 'sendense-run --dry-run pgtest1-nightly.yaml', description: 'See every step, command and file first' },
    {
      command: 'sendense-run --json pgtest1-nightly.yaml | jq -r \'select(.type == "run.finished") | .backup_id\'',
      description: 'The id of the new restore point, for a script',
    },
    {
      command: 'sendense-run --quiet plans/*.yaml',
      description: 'From cron: one line per plan, and errors; ends with the worst exit status',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 14, 16, 70, 75, 130, 143],
  files: [
    [
      'sendense.yaml',
      'Settings: repositories, nodes, sources, state file. The program looks beside the plan, in the folders above it, then in /etc/sendense/; --config names another file.',
    ],
    ['<repository>/<vm>/<backup-id>.json', 'The manifest of a restore point.'],
    [
      '<repository>/<vm>/disk-<n>/<backup-id>.qcow2',
      'The disk of a restore point, a plain qcow2 file; an incremental names its parent as relative backing file.',
    ],
  ],
  seeAlso: ['plan', 'validate', 'show', 'restore', 'recover'],
  load: () => import('../actions/run.ts'),
};
