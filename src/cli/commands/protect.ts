import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';

const point = {
  syntax: '<vm-or-point>',
  description: 'id of a restore point; or the name of a VM, with --point',
  completes: 'vms',
} as const;
const pointOfVm = pointOption('of that VM this restore point');
const repository = {
  flags: '-r, --repository <name>',
  description: 'repository of the restore point, if several have it',
} as const;
const files = [['REPOSITORY/VM/<point>.marks', 'The mark; it stays with the restore point.']] as const;

export const protect: CommandDefinition = {
  name: 'protect',
  summary: 'Protect a restore point from every retention',
  description: [
    'No prune removes a protected restore point before the date that you give, or ever if you give none. If you protect it again, the new date and reason replace the old ones.',
    'The command writes a mark beside the restore point, so every hub that uses the repository knows.',
  ],
  arguments: [point],
  options: [
    {
      flags: '-u, --until <date>',
      description: 'to the end of this day (2027-06-30), or until a time (2027-06-30T12:00Z); default: for ever',
      completes: 'nothing',
    },
    { flags: '--reason <text>', description: 'why you protect it, for later readers', completes: 'nothing' },
    pointOfVm,
    repository,
  ],
  examples: [
    {
      command: 'sendense-run protect 20261121T013000Z-4f2a91 --reason "before the migration"',
      description: 'For ever',
    },
    { command: 'sendense-run protect 20261121T013000Z-4f2a91 --until 2027-06-30', description: 'For half a year' },
    { command: 'sendense-run protect pgtest1 --point yesterday', description: 'The last restore point of yesterday' },
  ],
  exitCodes: [0, 1, 2, 10],
  files,
  seeAlso: ['unprotect', 'prune', 'list', 'show'],
  load: () => import('../actions/protect.ts'),
};

export const unprotect: CommandDefinition = {
  name: 'unprotect',
  summary: 'Let retention decide about a restore point again',
  description: [
    'Removes the protection. The next prune removes the restore point if no rule keeps it.',
    'With `--forget-boot` the protection stays as it is. The command removes the mark of a VM that another hub started from the restore point. Use it only if that hub, or what the guest wrote there, is gone for good: without its restore point the VM is lost.',
  ],
  arguments: [point],
  options: [
    {
      flags: '--forget-boot <id>',
      description: 'remove the mark of this VM of a hub that is gone; `show` names the VMs',
      completes: 'nothing',
    },
    pointOfVm,
    repository,
  ],
  examples: [
    { command: 'sendense-run unprotect 20261121T013000Z-4f2a91', description: 'Undoes `protect`' },
    {
      command: "sendense-run list --json | jq -r '.points[] | select(.protected) | .backup_id'",
      description: 'List the protected restore points',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  files,
  seeAlso: ['protect', 'prune', 'list', 'show'],
  load: () => import('../actions/unprotect.ts'),
};
