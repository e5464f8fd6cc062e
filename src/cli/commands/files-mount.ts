import type { CommandDefinition } from '../command.ts';
import { common, exitCodes, point } from './files-options.ts';

export const mount: CommandDefinition = {
  name: 'mount',
  summary: 'Show a restore point in a folder, for your own tools',
  description: [
    'Mounts a volume of a restore point read-only on an empty folder, with FUSE. Only you see what is in it. Without a volume it mounts all that can be read; if there are several, each is a folder. It needs no root, but the Debian package sshfs.',
    'It stays in the foreground until you press Ctrl-C, or end it with `files unmount`.',
    'You see names, sizes, modes, owners, times in seconds, and links. A link that leads out of the volume is shown as one that leads to the same place in it. Extended attributes, nanoseconds and hard links are not shown: `files get` has them.',
  ],
  arguments: [
    point,
    {
      syntax: '<where...>',
      description: 'an empty folder; before it the volume, such as disk-0p2, if you want only one',
      completes: 'folders',
    },
  ],
  options: common,
  examples: [
    { command: 'sendense-run files mount pgtest1@yesterday ./yesterday', description: 'All volumes' },
    { command: 'sendense-run files mount pgtest1 disk-0p2 /mnt', description: 'One volume' },
  ],
  exitCodes,
  seeAlso: ['files unmount', 'files get'],
  load: async () => ({ action: (await import('../actions/files-mount.ts')).mount }),
};

export const unmount: CommandDefinition = {
  name: 'unmount',
  summary: 'End what `files mount` shows in a folder',
  description: ['Releases the folder, also if a program uses it or if the command that mounted it was killed.'],
  arguments: [{ syntax: '<folder>', description: 'where it is mounted', completes: 'folders' }],
  options: [],
  examples: [
    { command: 'sendense-run files unmount ./yesterday', description: 'Release the folder' },
    { command: 'sendense-run files unmount /mnt', description: 'Another one' },
  ],
  exitCodes: [0, 1, 2, 70],
  seeAlso: ['files mount'],
  load: async () => ({ action: (await import('../actions/files-mount.ts')).unmount }),
};
