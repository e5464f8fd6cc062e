import type { CommandDefinition } from '../command.ts';
import { common, exitCodes, place, point } from './files-options.ts';

export const get: CommandDefinition = {
  name: 'get',
  summary: 'Take files and folders out',
  description: [
    'Makes each file or folder in a private folder inside the target, and gives it its name when all of it is there. An existing file is never replaced without --overwrite.',
    'Modes, times, links, holes, access control lists and attributes `user.*` are kept; where you are root, owners and all other attributes, too. Labels of SELinux are not. Sockets and devices are left out. The exit status is 3 if something was left out, and the command says what.',
    'With `--to -` a tar archive goes to standard output.',
  ],
  arguments: [
    point,
    place('<place...>', 'VOLUME:/PATH, or /PATH if only one volume can be read; several are possible'),
  ],
  options: [
    {
      flags: '-t, --to <folder>',
      description: 'where to; it is made if it is missing. -: a tar archive on standard output',
      completes: 'folders',
    },
    { flags: '--overwrite', description: 'replace files that exist; folders are merged, and keep what only they have' },
    { flags: '--resume', description: 'go on with a file that was cut off' },
    ...common,
  ],
  examples: [
    {
      command: 'sendense-run files get pgtest1@yesterday disk-0p2:/etc/fstab --to ./restored',
      description: 'One file',
    },
    { command: 'sendense-run files get pgtest1 /etc /home/anna --to ./restored', description: 'Two folders' },
    {
      command: 'sendense-run files get pgtest1 /srv --to - | zstd > srv.tar.zst',
      description: 'A folder as an archive',
    },
  ],
  exitCodes,
  seeAlso: ['files find', 'files cat', 'restore'],
  load: async () => ({ action: (await import('../actions/files-get.ts')).get }),
};
