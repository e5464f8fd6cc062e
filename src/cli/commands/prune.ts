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
    'The retention of a plan, or the rules that you give here, decide which restore points stay. The command removes the others. If a later restore point is built on one of them, the command merges the two first. You can restore every restore point that stays at every moment.',
    'Shows a calendar of the restore points that stay, with the reason, and of those that go. Then it asks before it removes anything. --dry-run only shows the calendar, --yes does not ask. Without a terminal you need one of the two.',
    '`--point` removes a restore point that you name, and leaves all others. The command refuses, and says why, if the restore point has to stay.',
    'Protected restore points and the newest sound one of each VM always stay. The command removes nothing of a VM while the clock or the list of its restore points is in doubt. It skips a VM if another run works on it.',
  ],
  arguments: [],
  options: [
    vmPatternOption,
    {
      flags: '--identity <uuid>',
      description: 'only this VM, if several have restore points under one name; `list` shows the uuid',
      completes: 'nothing',
    },
    { flags: '-r, --repository <name>', description: 'repository to prune (default: the only one)' },
    {
      flags: '-p, --plan <file>',
      description: 'take the retention of this plan: of kind prune, or of a backup for its VM',
      completes: 'plans',
    },
    {
      flags: '--point <point>',
      description:
        'remove this restore point, in place of rules: its id; or, with --vm, also latest, a day or a time as for `restore`',
      completes: 'nothing',
      repeats: true,
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
      description: 'time zone for hours, days, weeks, months and years (default: UTC)',
      completes: 'nothing',
    },
    { flags: '-n, --dry-run', description: 'show the result and remove nothing' },
    { flags: '-y, --yes', description: 'do not ask' },
  ],
  examples: [
    {
      command: 'sendense-run prune --plan pgtest1-nightly.yaml --dry-run',
      description: 'What the retention of a plan would remove now',
    },
    {
      command: 'sendense-run prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12',
      description: 'All VMs: show the calendar, ask, then remove',
    },
    {
      command: "sendense-run prune --vm 'pgtest*' --keep-last 3 --yes",
      description: 'Without a question, for a script',
    },
    {
      command: 'sendense-run prune --point 20261121T013000Z-4f2a91',
      description: 'One restore point: show what becomes of it, ask, then remove it',
    },
    {
      command: "sendense-run prune --keep-last 3 --dry-run --json | jq '.freed'",
      description: 'How many bytes that would free',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 14, 16, 70, 130, 143],
  seeAlso: ['protect', 'list', 'show', 'run'],
  load: () => import('../actions/prune.ts'),
};
