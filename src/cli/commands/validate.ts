import type { CommandDefinition } from '../command.ts';

export const validate: CommandDefinition = {
  name: 'validate',
  summary: 'Check plans and settings, without touching anything',
  description: [
    'Reports every error at once, each with file, line and column, the text underlined, the allowed values, and a way out. Touches neither network nor secrets, so it can run anywhere, before a commit or in CI.',
    'Each plan is checked against the settings that a run of it would use: those of --config, else the nearest sendense.yaml, so in a tree each against its own; the last lines say which. Settings of another name are checked, too.',
    'A folder stands for all *.yaml and *.yml files in it and below it; - stands for standard input; without a path the current folder is checked. `sendense-run explain RULE` says more about a rule.',
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
  ],
  examples: [
    { command: 'sendense-run validate pgtest1-nightly.yaml', description: 'One plan' },
    { command: 'sendense-run validate plans/', description: 'Every plan of a folder, and the settings that they use' },
    {
      command: 'git show HEAD:plans/pgtest1-nightly.yaml | sendense-run validate -',
      description: 'From standard input',
    },
    { command: 'sendense-run validate --format github plans/', description: 'In a GitHub workflow' },
  ],
  exitCodes: [0, 2, 10],
  files: [['sendense.yaml', 'Settings, searched beside each plan and upward; checked too.']],
  seeAlso: ['explain', 'schema', 'plan'],
  load: () => import('../actions/validate.ts'),
};
