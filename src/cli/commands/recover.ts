import type { CommandDefinition } from '../command.ts';

export const recover: CommandDefinition = {
  name: 'recover',
  summary: 'Clean up after runs that crashed',
  description: [
    'Unwinds, newest step first, every run whose process is gone: releases its ports, stops its qemu-nbd (only where pid, start time and boot id match), cancels its job on the node, removes half-written files. A run that had published its restore point keeps it.',
    'Puts aside, in `.sendense/trash` of each repository, the unfinished files of a backup that another hub began and cannot commit any more, because the lock of the VM was taken over from it. Files of a hub that may still live stay.',
    'Every run unwinds such runs first, too; this command is for when nothing else is to be run.',
    'A run of another container (pid namespace) that shares the state database is left alone as long as it may go on. Where that cannot be told, the run is listed: if you know that it has ended, name it with --ended.',
  ],
  arguments: [],
  options: [
    {
      flags: '--ended <run>',
      description: 'also after this run of another container, of which you know that its process has ended',
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
