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
    'One line a repository: restore points, VMs, what its files take, what is free, its quota, and in how many days it is full if it grows as in the last 30 days and nothing is removed.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run repo list', description: 'All of them' },
    { command: 'sendense-run repo list --json', description: 'For a script' },
  ],
  exitCodes: [0, 2, 10],
  seeAlso: ['repo show', 'repo usage', 'list'],
  load: () => import('../actions/repo-list.ts'),
};

const repoShow: CommandDefinition = {
  name: 'show',
  summary: 'Show a repository: where it is, its limits, and whether its files are immutable',
  description: [
    'Where it is, its id, what it takes and what is free, quotas and how they stand, what `repo gc` has put aside, and whether committed files can be made immutable there, which is tried.',
  ],
  arguments: [repositoryArgument],
  options: [],
  examples: [
    { command: 'sendense-run repo show primary', description: 'One repository' },
    { command: 'sendense-run repo show primary --json', description: 'For a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['repo list', 'repo usage'],
  load: () => import('../actions/repo-show.ts'),
};

const repoUsage: CommandDefinition = {
  name: 'usage',
  summary: 'Show what each VM takes, and how it grows',
  description: [
    'For each VM: restore points, what its files take on the disk, what the restore points would take as whole disks, and how much a day its restore points of the last 30 days added. The first of a VM does not count as growth, and neither does what was removed.',
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
  load: () => import('../actions/repo-usage.ts'),
};

const repoGc: CommandDefinition = {
  name: 'gc',
  summary: 'Put aside what Sendense made and what belongs to nothing',
  description: [
    'Files whose name and content say that Sendense made them, that no manifest names, that no image is built on, that no run works on, and that are older than an hour: what a run left that could not clean up, or what a removal that was cut off left. All other files stay, and the reason is told.',
    'The folder of a VM is left alone where a manifest in it cannot be read or is missing, where the file of a removal that is not finished cannot be read, or where a run works on the VM.',
    'Temporary files (`.sendense-part`) are removed; all else goes into `.sendense/trash/TIME/` in the repository, where it stays for 7 days, and is removed by the next gc after that. --purge removes at once, also what was put aside before.',
    'Shows what it would do and asks; --yes does not ask, --dry-run only shows.',
  ],
  arguments: [repositoryArgument],
  options: [
    { flags: '--dry-run', description: 'only show what would be removed' },
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--purge', description: 'remove for good, also what was put aside before' },
  ],
  examples: [
    { command: 'sendense-run repo gc --dry-run', description: 'What is left over?' },
    { command: 'sendense-run repo gc primary --yes', description: 'In a script' },
  ],
  exitCodes: [0, 1, 2, 3, 10, 130, 143],
  files: [['<repository>/.sendense/trash/', 'What was put aside, under its own path.']],
  seeAlso: ['check', 'recover', 'prune'],
  load: () => import('../actions/repo-gc.ts'),
};

const copyOptions: readonly OptionDefinition[] = [
  pointOption('of that VM only this restore point, with all that it is built on'),
  {
    flags: '--from <repository>',
    description: 'where it is; may be left out where only one has it',
    completes: 'repositories',
  },
  {
    flags: '--to <repository>',
    description: 'name of a repository, or ssh://user@host[:port]/path of another hub',
    completes: 'repositories',
  },
  {
    flags: '-i, --identity <file>',
    description: 'private key for ssh (OpenSSH format, no passphrase)',
    completes: 'files',
  },
  {
    flags: '--host-key <key>',
    description: 'public host key of the other hub, or a file with it; no other is accepted',
    completes: 'files',
  },
  {
    flags: '--remote-command <command>',
    description: 'how sendense-run is called on the other hub',
    default: 'sendense-run',
  },
];

const copyDescription = [
  'Copies all restore points of a VM, or one with all that it is built on, to another repository: only files that are not there, each under a temporary name until it was read back and has the same SHA-256, with its time, the manifest last. What was cut off goes on where it was when the command is given again.',
  'With ssh:// the other hub receives with `sendense-run repo receive PATH`, enters the restore points in its own state database, and needs no other access than that one command. The path must be that of a repository in its sendense.yaml.',
  'Where the other repository has a restore point of the same id that is not the same, or a disk of another uuid under the same number, nothing is copied.',
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
      description: 'Its newest restore point, with all that it is built on',
    },
    {
      command:
        'sendense-run repo copy pgtest1 --to ssh://sendense@hub2.example.com/srv/repository -i /etc/sendense/copy_key --host-key /etc/sendense/hub2.pub',
      description: 'To another hub',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 11, 12, 75, 130, 143],
  seeAlso: ['repo move', 'repo receive', 'repo import'],
  load: () => import('../actions/repo-copy.ts'),
};

const repoMove: CommandDefinition = {
  name: 'move',
  summary: 'Move restore points to another repository',
  description: [
    ...copyDescription,
    'Then removes from the first repository what the second one has committed, newest first. What other restore points are built on, or what a run reads, stays, and that is told.',
    'Afterwards set `repository:` in the plans of the VM to the new one: the next backup is an incremental there.',
  ],
  arguments: repoCopy.arguments,
  options: copyOptions,
  examples: [
    { command: 'sendense-run repo move pgtest1 --from primary --to archive', description: 'All of a VM' },
    {
      command: 'sendense-run repo move 20261121T013000Z-4f2a91 --from primary --to archive',
      description: 'One restore point, with all that it is built on',
    },
  ],
  exitCodes: repoCopy.exitCodes,
  seeAlso: ['repo copy', 'repo gc'],
  load: () => import('../actions/repo-move.ts'),
};

const repoReceive: CommandDefinition = {
  name: 'receive',
  summary: 'Receive a copy from another hub (called over ssh)',
  description: [
    'The other side of `sendense-run repo copy --to ssh://…`: takes restore points from standard input and answers on standard output. Not for people.',
    'In authorized_keys of the user on this hub, before the public key of the sender: `restrict,command="sendense-run repo receive /srv/repository"`. The sender can then do nothing else.',
  ],
  arguments: [
    { syntax: '<repository>', description: 'name or path of a repository in sendense.yaml', completes: 'repositories' },
  ],
  options: [],
  examples: [
    { command: 'sendense-run repo receive /srv/repository', description: 'In authorized_keys' },
    { command: 'sendense-run repo copy --help', description: 'What calls it' },
  ],
  exitCodes: [0, 1, 2, 10, 11, 75],
  seeAlso: ['repo copy'],
  load: () => import('../actions/repo-receive.ts'),
};

const repoImport: CommandDefinition = {
  name: 'import',
  summary: 'Rebuild the state database from the manifests of a repository',
  description: [
    'Reads every manifest of the repository and enters what the state database does not know: after the database was lost, or after a repository was brought from another hub. What is known already stays as it is; a manifest that is damaged or does not fit its files is refused and named.',
  ],
  arguments: [{ syntax: '<name>', description: 'name of the repository in sendense.yaml', completes: 'repositories' }],
  options: [
    {
      flags: '--forget-missing',
      description:
        'forget restore points whose manifest is gone, after a copy of the database was put back; and all of a repository that sendense.yaml does not name any more',
    },
  ],
  examples: [
    { command: 'sendense-run repo import primary', description: 'After the state database was lost' },
    {
      command: 'sendense-run repo import primary && sendense-run check --quick',
      description: 'And see that all is well',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['check', 'list'],
  load: () => import('../actions/repo-import.ts'),
};

const repoRepair: CommandDefinition = {
  name: 'repair',
  summary: 'Make sendense-repository.json again, where it was lost or damaged',
  description: [
    'Without that file no command takes the directory for the repository. It is made again with the id that this hub knows, or with a new one where the hub knows none. A damaged one is put aside for 7 days in `.sendense/trash/`. Nothing else is changed; where the file is sound, nothing at all.',
    'Refused where the directory holds no restore point that can be read, or none of those that this hub knows of the repository: another file system may be mounted there. Two hubs may do it at once.',
  ],
  arguments: [{ syntax: '<name>', description: 'name of the repository in sendense.yaml', completes: 'repositories' }],
  options: [],
  examples: [
    { command: 'sendense-run repo repair primary', description: 'After the file was lost' },
    {
      command: 'sendense-run restore pgtest1 --repository /srv/repository --to ./restored',
      description: 'A restore needs no repair',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  files: [['<repository>/sendense-repository.json', 'Which repository it is.']],
  seeAlso: ['repo import', 'check', 'restore'],
  load: () => import('../actions/repo-repair.ts'),
};

const repoNewKey: CommandDefinition = {
  name: 'new-key',
  summary: 'Make a key that encrypts a repository',
  description: [
    'Writes 32 random bytes as one line of base64 into a new file that only this user can read. Name it under `encryption.key` of a repository in sendense.yaml, and keep a copy elsewhere: what is encrypted with it cannot be read without it. A file that is there is never overwritten.',
  ],
  arguments: [{ syntax: '<file>', description: 'file to be made', completes: 'files' }],
  options: [],
  examples: [
    { command: 'sendense-run repo new-key /etc/sendense/primary.key', description: 'A key in a file' },
    {
      command: 'sendense-run repo new-key /etc/sendense/primary-2027.key',
      description: 'The next one, for new chains',
    },
  ],
  exitCodes: [0, 1, 2],
  files: [['<file>', 'The key, mode 0600, without a newline: `qemu-img` and `openssl` read it as it is.']],
  seeAlso: ['check', 'restore'],
  load: () => import('../actions/repo-new-key.ts'),
};

export const repo: CommandDefinition = {
  name: 'repo',
  summary: 'Work on repositories: space, copies, leftovers',
  description: ['A repository is a directory with one folder a VM; it can be moved, and read without Sendense.'],
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
