import type { CommandDefinition, OptionDefinition } from '../command.ts';
import { vmPatternOption } from '../vm-pattern-option.ts';

const rule = (name: string, what: string): OptionDefinition => ({
  flags: `--keep-${name} <n>`,
  description: what,
  completes: 'nothing',
});

export const prune: CommandDefinition = {
  name: 'prune',
  summary: 'Remove restore points that no rule keeps',
  description: [
    'Decides by the retention of a plan, or by the rules given here, which restore points stay. The others are removed; where a later one is built on such a point, it is merged into that one, so that every point that stays can be restored at every moment.',
    'Shows a calendar of what stays and why and what goes, and asks before it removes anything; --dry-run only shows it, --yes does not ask. Without a terminal one of the two is needed.',
    'Protected points and the newest sound point of each VM always stay. Nothing of a VM is removed while the clock or the list of its restore points is in doubt. A VM that another run works on is passed over.',
  ],
  arguments: [],
  options: [
    vmPatternOption,
    {
      flags: '--identity <uuid>',
      description: 'only this VM, where several have restore points under one name, as `list` shows it',
      completes: 'nothing',
    },
    { flags: '-r, --repository <name>', description: 'repository to prune (default: the only one)' },
    {
      flags: '-p, --plan <file>',
      description: 'take the retention of this plan: of kind prune, or of a backup for its VM',
      completes: 'plans',
    },
    rule('last', 'keep the newest points'),
    rule('hourly', 'keep the newest point of each of the last hours that have one'),
    rule('daily', 'keep the newest point of each of the last days that have one'),
    rule('weekly', 'keep the newest point of each of the last weeks that have one'),
    rule('monthly', 'keep the newest point of each of the last months that have one'),
    rule('yearly', 'keep the newest point of each of the last years that have one'),
    {
      flags: '--min-age <age>',
      description: 'keep every point younger than this, for example 3d',
      completes: 'nothing',
    },
    {
      flags: '--timezone <zone>',
      description: 'where hours, days, weeks, months and years are counted (default: UTC)',
      completes: 'nothing',
    },
    { flags: '-n, --dry-run', description: 'show what would happen and remove nothing' },
    { flags: '-y, --yes', description: 'do not ask' },
  ],
  examples: [
    {
      command: 'sendense-run prune --plan pgtest1-nightly.yaml --dry-run',
      description: 'What the retention of a plan would remove now',
    },
    {
      command: 'sendense-run prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12',
      description: 'All VMs: shows it, asks, and removes',
    },
    {
      command: "sendense-run prune --vm 'pgtest*' --keep-last 3 --yes",
      description: 'Without a question, for a script',
    },
    {
      command: "sendense-run prune --keep-last 3 --dry-run --json | jq '.freed'",
      description: 'How much that would free',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 14, 16, 70, 130, 143],
  seeAlso: ['protect', 'list', 'show', 'run'],
  load: () => import('../actions/prune.ts'),
};
