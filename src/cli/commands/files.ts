import type { CommandDefinition } from '../command.ts';
import { common, exitCodes, place, point } from './files-options.ts';
import { diff, find, tree } from './files-search.ts';
import { get } from './files-get.ts';
import { mount, unmount } from './files-mount.ts';

const ls: CommandDefinition = {
  name: 'ls',
  summary: 'List a folder',
  description: ['Prints what a folder of a restore point holds, in the order of the bytes of the names.'],
  arguments: [point, place('[place]', 'VOLUME:/FOLDER, or /FOLDER if only one volume can be read; default: /')],
  options: [{ flags: '-l, --long', description: 'with mode, owner, size and time' }, ...common],
  examples: [
    {
      command: 'sendense-run files ls pgtest1 disk-0p2:/etc',
      description: 'What /etc held in the newest restore point',
    },
    { command: 'sendense-run files ls -l pgtest1@yesterday /var/log', description: 'With sizes and times, yesterday' },
  ],
  exitCodes,
  seeAlso: ['files', 'files get'],
  load: async () => ({ action: (await import('../actions/files.ts')).ls }),
};

const stat: CommandDefinition = {
  name: 'stat',
  summary: 'Show all that is known of a file',
  description: [
    'Prints type, size, mode, owner, times in nanoseconds, and extended attributes. A link is shown, not followed.',
  ],
  arguments: [point, place('<place>', 'VOLUME:/PATH, or /PATH if only one volume can be read')],
  options: common,
  examples: [
    { command: 'sendense-run files stat pgtest1 disk-0p2:/etc/hostname', description: 'One file' },
    { command: 'sendense-run files stat pgtest1@yesterday disk-0p2:/etc/shadow --json', description: 'For a program' },
  ],
  exitCodes,
  seeAlso: ['files ls'],
  load: async () => ({ action: (await import('../actions/files.ts')).stat }),
};

const cat: CommandDefinition = {
  name: 'cat',
  summary: 'Write the content of a file to standard output',
  description: ['Follows links inside the volume, never out of it.'],
  arguments: [point, place('<place>', 'VOLUME:/PATH, or /PATH if only one volume can be read')],
  options: common,
  examples: [
    { command: 'sendense-run files cat pgtest1@latest disk-0p2:/etc/hostname', description: 'Print a file' },
    { command: 'sendense-run files cat pgtest1 /etc/fstab | diff - /etc/fstab', description: 'Compare it with yours' },
  ],
  exitCodes,
  seeAlso: ['files get'],
  load: async () => ({ action: (await import('../actions/files.ts')).cat }),
};

const open: CommandDefinition = {
  name: 'open',
  summary: 'List the restore points that are open',
  description: [
    'A restore point stays open for an hour after the last command (`files: idle`). Until then Sendense removes and merges nothing of it.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run files open', description: 'What is open' },
    { command: "sendense-run files open --json | jq '.mounts[].backup_id'", description: 'Their ids, for a program' },
  ],
  exitCodes: [0, 2, 10, 70],
  seeAlso: ['files close'],
  load: async () => ({ action: (await import('../actions/files.ts')).open }),
};

const close: CommandDefinition = {
  name: 'close',
  summary: 'Close a restore point',
  description: [
    'A restore point stays open for an hour after the last command (`files: idle`), so that the next command is quick. Until then Sendense removes and merges nothing of it. This command closes it at once.',
  ],
  arguments: [{ ...point, syntax: '[point]' }],
  options: [{ flags: '--all', description: 'all that are open' }, ...common],
  examples: [
    { command: 'sendense-run files close pgtest1', description: 'Close its newest restore point' },
    { command: 'sendense-run files close --all', description: 'Close all' },
  ],
  exitCodes,
  seeAlso: ['files', 'files open'],
  load: async () => ({ action: (await import('../actions/files.ts')).close }),
};

const log: CommandDefinition = {
  name: 'log',
  summary: 'Show who read which files',
  description: [
    'Prints one line for each restore point that was opened or closed, and for each search, comparison, download and archive: when, who, what, how many bytes, and how it ended. The newest is last. Who used the API of the hub is `hub-api`; all others are users of this machine.',
    'The lines stay when the restore point is removed. Sendense removes those older than `history: keepRuns` of sendense.yaml.',
  ],
  arguments: [{ syntax: '[vm]', description: 'only of this VM', completes: 'known-vms' }],
  options: [
    { flags: '--since <time>', description: 'only what began since then: 36h, 7d, 2026-11-01', completes: 'nothing' },
    {
      flags: '-n, --limit <count>',
      description: 'at most this many lines, the newest',
      default: '50',
      completes: 'nothing',
    },
  ],
  examples: [
    { command: 'sendense-run files log pgtest1 --since 7d', description: 'What was read of a VM this week' },
    {
      command: 'sendense-run files log --json --limit 1000 | jq \'.reads[] | select(.action == "download")\'',
      description: 'All downloads, for a program',
    },
  ],
  exitCodes: [0, 2, 10],
  seeAlso: ['files', 'history'],
  load: () => import('../actions/files-log.ts'),
};

const doctor: CommandDefinition = {
  name: 'doctor',
  summary: 'Say what this machine can read',
  description: [
    'Looks for the programs that reading files takes, and makes a sandbox with nothing in it. Says what cannot be read, and the package that brings what is missing.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run files doctor', description: 'Before you need a file' },
    {
      command: 'sendense-run files doctor --json | jq \'.checks[] | select(.result != "ok")\'',
      description: 'What is missing, for a program',
    },
  ],
  exitCodes: [0, 1, 2, 3],
  seeAlso: ['files'],
  load: () => import('../actions/files-doctor.ts'),
};

const keep: CommandDefinition = {
  name: 'keep',
  summary: 'Keep restore points open for other commands',
  description: ['The other commands of `files` start it, and the hub. It ends by itself.'],
  arguments: [],
  options: [
    { flags: '--service', description: 'stay until SIGTERM: what sendense-files.service starts' },
    {
      flags: '--socket <path>',
      description: 'where it answers: what a command says that starts it',
      completes: 'nothing',
    },
  ],
  examples: [{ command: 'sendense-run files keep', description: 'What `files ls` starts' }],
  exitCodes: [0, 10, 70],
  seeAlso: ['files'],
  hidden: true,
  load: () => import('../actions/files-keep.ts'),
};

export const files: CommandDefinition = {
  name: 'files',
  summary: 'Look into a restore point and take files out',
  description: [
    'Lists the volumes of a restore point: partitions, disks without a partition table, logical volumes, RAID arrays. A volume is called disk-0p2, disk-1, vg0/root or md/0.',
    'A kernel in a sandbox reads the file systems; nothing of them reaches the kernel of this machine. It replays their journals into a copy that is thrown away, and changes no file of the repository.',
  ],
  arguments: [point],
  options: common,
  examples: [
    { command: 'sendense-run files pgtest1', description: 'The volumes of the newest restore point' },
    { command: 'sendense-run files ls pgtest1 disk-0p2:/etc', description: 'A folder' },
    { command: 'sendense-run files cat pgtest1@yesterday disk-0p2:/etc/hostname', description: 'A file of yesterday' },
  ],
  exitCodes,
  seeAlso: ['list', 'restore'],
  commands: [ls, tree, find, stat, cat, get, diff, mount, unmount, open, close, log, doctor, keep],
  load: async () => ({ action: (await import('../actions/files.ts')).volumes }),
};
