import type { CommandDefinition, OptionDefinition } from '../command.ts';
import { common, exitCodes, place, point } from './files-options.ts';

const depth: OptionDefinition = {
  flags: '--depth <n>',
  description: 'how many folders deep; 1: what is in the folder itself',
  completes: 'nothing',
};

export const tree: CommandDefinition = {
  name: 'tree',
  summary: 'Draw a folder with what is below it',
  description: ['Draws the names below a folder, in the order of their bytes. Links are not followed.'],
  arguments: [point, place('[place]', 'VOLUME:/FOLDER, or /FOLDER if only one volume can be read; default: /')],
  options: [depth, ...common],
  examples: [
    { command: 'sendense-run files tree pgtest1 disk-0p2:/etc --depth 2', description: 'Two folders deep' },
    { command: 'sendense-run files tree pgtest1 /srv', description: 'All of it' },
  ],
  exitCodes,
  seeAlso: ['files ls', 'files find'],
  load: async () => ({ action: (await import('../actions/files-tree.ts')).tree }),
};

const option = (flags: string, description: string, more: Partial<OptionDefinition> = {}): OptionDefinition => ({
  flags,
  description,
  completes: 'nothing',
  ...more,
});

export const find: CommandDefinition = {
  name: 'find',
  summary: 'Find files by name, size and time',
  description: [
    'Prints what is below a folder and fits all conditions, each as VOLUME:/PATH, which the other commands take. Without a place it searches all volumes that can be read. It stays within a volume and follows no link.',
    'With --all-points it searches all restore points of a VM, oldest first. It prints, for each path, in which restore points it is, which versions by size and time it had, and when it was last there.',
  ],
  arguments: [
    { ...point, description: `${point.description}; with --all-points: a VM` },
    place('[place]', 'VOLUME:/FOLDER, or /FOLDER if only one volume can be read; default: all volumes'),
  ],
  options: [
    option('--name <glob>', 'shell pattern of the last name, with *, ? and [...]'),
    option('--iname <glob>', 'as --name; small and capital letters are the same'),
    option('--type <type>', 'what it is', { choices: ['file', 'folder', 'link', 'fifo', 'socket', 'char', 'block'] }),
    option('--min-size <size>', 'at least so large: bytes, 10K, 1.5M, 2G'),
    option('--max-size <size>', 'at most so large'),
    option('--newer <time>', 'changed since: how long ago (36h, 7d, 2w) or when (2026-11-01, 2026-11-01T08:00)'),
    option('--older <time>', 'not changed since'),
    depth,
    { flags: '-l, --long', description: 'with mode, owner, size and time' },
    { flags: '--all-points', description: 'in all restore points of the VM' },
    ...common,
  ],
  examples: [
    { command: "sendense-run files find pgtest1 --name '*.conf' --newer 7d", description: 'Changed in the last week' },
    { command: 'sendense-run files find pgtest1 disk-0p2:/var --min-size 100M -l', description: 'Large files' },
    {
      command: 'sendense-run files find --all-points pgtest1 --name invoice.pdf',
      description: 'In which restore points it is, and when it was last there',
    },
  ],
  exitCodes,
  seeAlso: ['files get', 'files diff'],
  load: async () => ({ action: (await import('../actions/files-find.ts')).find }),
};

export const diff: CommandDefinition = {
  name: 'diff',
  summary: 'Show what changed between two restore points',
  description: [
    'Prints a line for each difference: + added, - removed, * changed, . other metadata only (mode, owner, inode, time of the inode). It compares type, size, times, inode, mode, owner and where a link leads. Of a folder it compares mode and owner. Without a place it compares all volumes that can be read.',
    'With --content it also compares the bytes of files that differ in nothing but metadata. The exit status does not say whether there are differences.',
  ],
  arguments: [
    { ...point, syntax: '<a>' },
    { ...point, syntax: '<b>' },
    place('[place]', 'VOLUME:/FOLDER, or /FOLDER if only one volume can be read; default: all volumes'),
  ],
  options: [{ flags: '--content', description: 'compare bytes where only metadata differs' }, ...common],
  examples: [
    { command: 'sendense-run files diff pgtest1@yesterday pgtest1 disk-0p2:/etc', description: 'What changed in /etc' },
    { command: 'sendense-run files diff pgtest1@yesterday pgtest1', description: 'In all volumes' },
  ],
  exitCodes,
  seeAlso: ['files find', 'files get'],
  load: async () => ({ action: (await import('../actions/files-diff.ts')).diff }),
};
