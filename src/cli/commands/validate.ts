import { asOption } from '../as-option.ts';
import type { CommandDefinition } from '../command.ts';

export const validate: CommandDefinition = {
  name: 'validate',
  summary: 'Check plans and settings, without touching anything',
  description: [
    'Reports all errors at once. Each shows file, line and column, the underlined text, the allowed values, and a remedy. The command uses neither network nor secrets, so you can run it anywhere: before a commit, or in CI.',
    'Checks each plan against the settings that its run would use: those of --config, otherwise the nearest sendense.yaml. So in a tree of folders each plan has its own settings; the last lines name them. The command also checks settings files with other names.',
    'A folder stands for all *.yaml and *.yml files in it and below it, and - for standard input. Without a path the command checks the current folder. `sendense-run explain RULE` explains a rule.',
  ],
  arguments: [
    {
      syntax: '[path...]',
      description: 'plan or settings files, folders, or - for standard input (default: .)',
      completes: 'plans',
    },
  ],
  options: [
    {
      flags: '-f, --format <format>',
      description:
        'text for people, json (see `sendense-run schema output/validate`), sarif for code scanning, github for annotations in GitHub Actions',
      choices: ['text', 'json', 'sarif', 'github'],
      default: 'text',
    },
    asOption,
  ],
  examples: [
    { command: 'sendense-run validate pgtest1-nightly.yaml', description: 'One plan' },
    { command: 'sendense-run validate plans/', description: 'Every plan of a folder, and the settings of these plans' },
    {
      command: 'git show HEAD:plans/pgtest1-nightly.yaml | sendense-run validate -',
      description: 'From standard input',
    },
    { command: 'sendense-run validate --format github plans/', description: 'In a GitHub workflow' },
  ],
  exitCodes: [0, 2, 10],
  files: [
    ['sendense.yaml', 'Settings; the command looks beside each plan and in the folders above, and checks them too.'],
  ],
  seeAlso: ['explain', 'schema', 'plan'],
  load: () => import('../actions/validate.ts'),
};
