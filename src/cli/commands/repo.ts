import type { CommandDefinition, OptionDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';

const repositoryArgument = {
  syntax: '[name]',
  description: 'name of the repository in sendense.yaml; default: all',
  completes: 'repositories',
} as const;

const repoList: CommandDefinition = {
  name: 'list',
  summary: 'List the repositories and how full they are',
  description: [
    'Prints one line per repository: restore points, VMs, used space, free space, quota, and the days until it is full. That estimate takes the growth of the last 30 days and assumes that nothing is removed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run repo list', description: 'All of them' },
    { command: 'sendense-run repo list --json', description: 'For a script' },
  ],
  exitCodes: [0, 2, 10],
  seeAlso: ['repo show', 'repo usage', 'list'],
  load: async () => ({ action: (await import('../actions/repo.ts')).list }),
};

const repoShow: CommandDefinition = {
  name: 'show',
  summary: 'Show a repository: where it is, its limits, and whether its files are immutable',
  description: [
    'Shows its path and id, used and free space, quotas and their use, and the files that `repo gc` has put aside. Tries whether committed files can be made immutable there, and shows the result.',
  ],
  arguments: [repositoryArgument],
  options: [],
  examples: [
    { command: 'sendense-run repo show primary', description: 'One repository' },
    { command: 'sendense-run repo show primary --json', description: 'For a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['repo list', 'repo usage'],
  load: async () => ({ action: (await import('../actions/repo.ts')).show }),
};

const repoUsage: CommandDefinition = {
  name: 'usage',
  summary: 'Show the space that each VM uses, and its growth',
  description: [
    'Shows for each VM its restore points, the disk space of its files, the space that the restore points would take as whole disks, and the growth per day over the last 30 days. The first restore point of a VM and removed ones do not count as growth.',
  ],
  arguments: [repositoryArgument],
  options: [],
  examples: [
    { command: 'sendense-run repo usage', description: 'All repositories' },
    {
      command: "sendense-run repo usage primary --json | jq '.repositories[0].full_in_days'",
      description: 'For a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['repo list', 'list'],
  load: async () => ({ action: (await import('../actions/repo.ts')).usage }),
};

const repoGc: CommandDefinition = {
  name: 'gc',
  summary: 'Put aside leftover files that Sendense made',
  description: [
    'Finds files that a failed cleanup or an interrupted removal left behind. Name and content of such a file show that Sendense made it. No manifest names it, no image is built on it, no run works on it, and it is older than an hour. All other files stay, and the command tells you why.',
    'The command skips the folder of a VM if a manifest in it is missing or unreadable, if it cannot read the file of an unfinished removal, or if a run works on the VM.',
    'The command removes temporary files (`.sendense-part`). It moves all other leftovers to `.sendense/trash/TIME/` in the repository. They stay there for 7 days, and the next gc after that removes them. --purge removes everything at once, also files that were put aside before.',
    'Shows its findings and asks. --yes does not ask, --dry-run only shows them.',
  ],
  arguments: [repositoryArgument],
  options: [
    { flags: '--dry-run', description: 'only show the files and remove nothing' },
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--purge', description: 'remove for good, also files that were put aside before' },
  ],
  examples: [
    { command: 'sendense-run repo gc --dry-run', description: 'Which files are left over?' },
    { command: 'sendense-run repo gc primary --yes', description: 'In a script' },
  ],
  exitCodes: [0, 1, 2, 3, 10, 130, 143],
  files: [['<repository>/.sendense/trash/', 'Files that were put aside, each under its own path.']],
  seeAlso: ['check', 'recover', 'prune'],
  load: async () => ({ action: (await import('../actions/repo.ts')).gc }),
};

const copyOptions: readonly OptionDefinition[] = [
  pointOption('of that VM only this restore point, and those that it is built on'),
  {
    flags: '--from <repository>',
    description: 'repository to copy from; you can leave it out if only one has the VM',
    completes: 'repositories',
  },
  {
    flags: '--to <repository>',
    description: 'repository to copy to: its name, or ssh://user@host[:port]/path of another hub',
    completes: 'repositories',
  },
  {
    flags: '-i, --identity <file>',
    description: 'private key for ssh (OpenSSH format, no passphrase)',
    completes: 'files',
  },
  {
    flags: '--host-key <key>',
    description: 'public host key of the other hub, or a file that holds it; the command accepts no other key',
    completes: 'files',
  },
  {
    flags: '--remote-command <command>',
    description: 'command that starts sendense-run on the other hub',
    default: 'sendense-run',
  },
];

const copyDescription = [
  'Copies all restore points of a VM, or one and those that it is built on, to another repository. It copies only files that are missing there, keeps their time, and copies the manifest last. Each file has a temporary name until the command has read it back and compared its SHA-256. If a copy is cut off, give the command again: it goes on where it stopped.',
  'With ssh:// the other hub runs `sendense-run repo receive PATH` and enters the restore points in its own state database. The sender needs access to that one command only. The path must be that of a repository in the sendense.yaml of the other hub.',
  'Copies nothing if the other repository has a different restore point of the same id, or a disk of another uuid under the same number.',
];

const repoCopy: CommandDefinition = {
  name: 'copy',
  summary: 'Copy restore points to another repository, also of another hub',
  description: copyDescription,
  arguments: [{ syntax: '<vm-or-point>', description: 'name of a VM, or id of a restore point', completes: 'vms' }],
  options: copyOptions,
  examples: [
    { command: 'sendense-run repo copy pgtest1 --from primary --to second', description: 'All of a VM' },
    {
      command: 'sendense-run repo copy pgtest1 --point latest --to second',
      description: 'Its newest restore point, and those that it is built on',
    },
    {
      command:
        'sendense-run repo copy pgtest1 --to ssh://sendense@hub2.example.com/srv/repository -i /etc/sendense/copy_key --host-key /etc/sendense/hub2.pub',
      description: 'To another hub',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 75, 130, 143],
  seeAlso: ['repo move', 'repo receive', 'repo import'],
  load: async () => ({ action: (await import('../actions/repo.ts')).copy }),
};

const repoMove: CommandDefinition = {
  name: 'move',
  summary: 'Move restore points to another repository',
  description: [
    ...copyDescription,
    'Then removes from the first repository the restore points that the second one has committed, newest first. A restore point stays if another one is built on it or if a run reads it, and the command tells you.',
    'Afterwards set `repository:` in the plans of the VM to the new repository. The next backup is an incremental there.',
  ],
  arguments: repoCopy.arguments,
  options: copyOptions,
  examples: [
    { command: 'sendense-run repo move pgtest1 --from primary --to archive', description: 'All of a VM' },
    {
      command: 'sendense-run repo move 20261121T013000Z-4f2a91 --from primary --to archive',
      description: 'One restore point, and those that it is built on',
    },
  ],
  exitCodes: repoCopy.exitCodes,
  seeAlso: ['repo copy', 'repo gc'],
  load: async () => ({ action: (await import('../actions/repo.ts')).move }),
};

const repoReceive: CommandDefinition = {
  name: 'receive',
  summary: 'Receive a copy from another hub (called over ssh)',
  description: [
    'The sender, `sendense-run repo copy --to ssh://…`, starts this command. It reads restore points from standard input and answers on standard output. Do not call it yourself.',
    'Write this into authorized_keys of the user on this hub, before the public key of the sender: `restrict,command="sendense-run repo receive /srv/repository"`. Then the sender can do nothing else.',
  ],
  arguments: [
    { syntax: '<repository>', description: 'name or path of a repository in sendense.yaml', completes: 'repositories' },
  ],
  options: [],
  examples: [
    { command: 'sendense-run repo receive /srv/repository', description: 'In authorized_keys' },
    { command: 'sendense-run repo copy --help', description: 'The command that calls it' },
  ],
  exitCodes: [0, 1, 2, 10, 11, 75],
  seeAlso: ['repo copy'],
  load: async () => ({ action: (await import('../actions/repo.ts')).receive }),
};

const repoImport: CommandDefinition = {
  name: 'import',
  summary: 'Rebuild the state database from the manifests of a repository',
  description: [
    'Reads every manifest of the repository and enters the restore points that the state database does not know. Use it after you lost the database, or after you brought a repository from another hub. Known restore points stay unchanged. The command refuses and names a manifest that is damaged or does not fit its files.',
  ],
  arguments: [{ syntax: '<name>', description: 'name of the repository in sendense.yaml', completes: 'repositories' }],
  options: [
    {
      flags: '--forget-missing',
      description:
        'forget restore points whose manifest is gone (after you put back a copy of the database), and everything of a repository that sendense.yaml no longer names',
    },
  ],
  examples: [
    { command: 'sendense-run repo import primary', description: 'After you lost the state database' },
    {
      command: 'sendense-run repo import primary && sendense-run check --quick',
      description: 'Import, then check the result',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['check', 'list'],
  load: async () => ({ action: (await import('../actions/repo.ts')).importPoints }),
};

const repoRepair: CommandDefinition = {
  name: 'repair',
  summary: 'Make a lost or damaged sendense-repository.json again',
  description: [
    'Without that file no command accepts the directory as the repository. This command writes it again with the id that this hub knows, or with a new id if the hub knows none. It moves a damaged file to `.sendense/trash/` for 7 days. It changes nothing else, and nothing at all if the file is sound.',
    'Refuses a directory without a readable restore point, or without any restore point that this hub knows of the repository: another file system may be mounted there. Two hubs may repair at the same time.',
  ],
  arguments: [{ syntax: '<name>', description: 'name of the repository in sendense.yaml', completes: 'repositories' }],
  options: [],
  examples: [
    { command: 'sendense-run repo repair primary', description: 'After you lost the file' },
    {
      command: 'sendense-run restore pgtest1 --repository /srv/repository --to ./restored',
      description: 'A restore needs no repair',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  files: [['<repository>/sendense-repository.json', 'The file that identifies the repository.']],
  seeAlso: ['repo import', 'check', 'restore'],
  load: async () => ({ action: (await import('../actions/repo.ts')).repair }),
};

const repoNewKey: CommandDefinition = {
  name: 'new-key',
  summary: 'Make a key that encrypts a repository',
  description: [
    'Writes 32 random bytes as one line of base64 into a new file that only this user can read. Name it under `encryption.key` of a repository in sendense.yaml, and keep a copy elsewhere: without the key nobody can read the encrypted files. The command never overwrites a file.',
  ],
  arguments: [{ syntax: '<file>', description: 'file to make', completes: 'files' }],
  options: [],
  examples: [
    { command: 'sendense-run repo new-key /etc/sendense/primary.key', description: 'A key in a file' },
    {
      command: 'sendense-run repo new-key /etc/sendense/primary-2027.key',
      description: 'The next key, for new chains',
    },
  ],
  exitCodes: [0, 1, 2],
  files: [['<file>', 'The key, mode 0600, without a newline: `qemu-img` and `openssl` read it as it is.']],
  seeAlso: ['check', 'restore'],
  load: async () => ({ action: (await import('../actions/repo.ts')).newKey }),
};

export const repo: CommandDefinition = {
  name: 'repo',
  summary: 'Work on repositories: space, copies, leftovers',
  description: ['A repository is a directory with one folder per VM. You can move it, and read it without Sendense.'],
  arguments: [],
  options: [],
  examples: [{ command: 'sendense-run repo list', description: 'How full are they?' }, ...repoImport.examples],
  exitCodes: repoCopy.exitCodes,
  seeAlso: ['check', 'list', 'prune'],
  commands: [
    repoList,
    repoShow,
    repoUsage,
    repoCopy,
    repoMove,
    repoReceive,
    repoGc,
    repoImport,
    repoRepair,
    repoNewKey,
  ],
};
