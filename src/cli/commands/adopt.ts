import type { CommandDefinition } from '../command.ts';

export const adopt: CommandDefinition = {
  name: 'adopt',
  summary: 'Declare that a VM you made anew owns the restore points under its name',
  description: [
    'A name in a repository belongs to the VM whose restore points are under it. Sendense refuses a backup of another VM under the same name (`vm.identity`). If it is the same machine, made anew or restored, run this command once. From then on all restore points under the name belong to this VM. Its next backup is a full.',
    'Retention then counts all of them together and may remove the old ones. Do not adopt another machine: give it another `vm.name` in its plan.',
    'The command writes a mark beside each restore point, so every hub that uses the repository knows.',
  ],
  arguments: [{ syntax: '<vm>', description: 'name of the VM in the repository', completes: 'known-vms' }],
  options: [
    {
      flags: '--identity <uuid>',
      description:
        'what the VM is now (required): its instance uuid, or the uuid of a disk if it has none; the refused backup named it',
      completes: 'nothing',
    },
    { flags: '-r, --repository <name>', description: 'repository of the VM, if several have it' },
  ],
  examples: [
    {
      command: 'sendense-run adopt web --identity 502e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11',
      description: 'web was deleted and made anew',
    },
    {
      command: "sendense-run list web --json | jq -r '[.points[].identity] | unique[]'",
      description: 'Which VMs have restore points under this name',
    },
  ],
  exitCodes: [0, 1, 2, 10, 11],
  files: [['REPOSITORY/VM/<point>.marks', 'The mark; it stays with the restore point.']],
  seeAlso: ['list', 'show', 'prune'],
  load: () => import('../actions/adopt.ts'),
};
