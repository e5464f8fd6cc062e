import type { CommandDefinition } from '../command.ts';

export const recover: CommandDefinition = {
  name: 'recover',
  summary: 'Clean up after runs that crashed',
  description: [
    'Unwinds every run whose process is gone, newest step first. It releases its ports, stops its qemu-nbd (only if pid, start time and boot id match), cancels its job on the node, and removes half-written files. If the run had published its restore point, the restore point stays.',
    'Moves unfinished files of other hubs to `.sendense/trash` of their repository. It does so only if the hub that began the backup has lost the lock of the VM and can no longer commit it. Files of a hub that may still be active stay.',
    'Every run unwinds such runs first. Use this command if you want to clean up without a run.',
    'A run of another container (pid namespace) may share the state database. The command does not touch it while it may still be active. If it cannot find out, it lists the run; if you know that the run has ended, name it with --ended.',
  ],
  arguments: [],
  options: [
    {
      flags: '--ended <run>',
      description:
        'also clean up after this run of another container; use it only if you know that its process has ended. Refused if the process shows that it lives',
    },
  ],
  examples: [
    { command: 'sendense-run recover', description: 'After a power cut or kill -9' },
    {
      command: "sendense-run recover --json | jq '.runs[].errors'",
      description: 'What could not be cleaned up, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10, 16, 130, 143],
  seeAlso: ['status', 'run', 'check'],
  load: () => import('../actions/recover.ts'),
};
