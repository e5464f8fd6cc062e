import type { CommandDefinition, OptionDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the credential', completes: 'credentials' } as const;

const passwordFile: OptionDefinition = {
  flags: '--password-file <file>',
  description: 'file that holds the password; the program drops one newline at its end',
  completes: 'files',
};

const passwordText =
  'You type the password on the terminal. Without a terminal it comes from standard input, or from --password-file. It is never an argument and appears in no output, log or journal.';

const files = [
  ['<state>', 'The state database, which holds the credentials, encrypted.'],
  ['<state>.key', 'The key that decrypts them. Made on first use, readable only for its owner.'],
] as const;

const add: CommandDefinition = {
  name: 'add',
  summary: 'Store the user and password of a vCenter or ESXi host',
  description: [
    'Encrypts them and stores them in the state database, under a name that sources and plans use.',
    passwordText,
  ],
  arguments: [{ ...name, completes: 'nothing' }],
  options: [
    { flags: '-u, --user <user>', description: 'user, with its domain: backup@vsphere.local', completes: 'nothing' },
    passwordFile,
  ],
  examples: [
    {
      command: 'sendense-run credentials add production --user backup@vsphere.local',
      description: 'Asks for the password',
    },
    {
      command: 'pass show vcenter | sendense-run credentials add production --user backup@vsphere.local',
      description: 'From a password store',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12, 130],
  files,
  seeAlso: ['credentials', 'discover'],
  load: async () => ({ action: (await import('../actions/credentials.ts')).add }),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List stored credentials, without passwords',
  description: [
    'Shows name, user, the time it was made, the last change of its password, and who uses it: sources of sendense.yaml, and plans beside sendense.yaml or in its plans/ folder.',
  ],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run credentials list', description: 'All of them' },
    {
      command: "sendense-run credentials list --json | jq -r '.credentials[] | select(.problem) | .name'",
      description: 'Those that cannot be opened, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['credentials', 'discover'],
  load: async () => ({ action: (await import('../actions/credentials.ts')).list }),
};

const rotate: CommandDefinition = {
  name: 'rotate',
  summary: 'Change the password of a credential, or the key of all',
  description: [
    'With a name: stores a new password. Change it in vSphere first, and try it with `sendense-run credentials test`.',
    passwordText,
    'With --key: makes a new key file and encrypts all credentials with it, in one transaction. It keeps the old key as `<state>.key.old` until then. If systemd provides the key, it encrypts all credentials with that one.',
  ],
  arguments: [{ ...name, syntax: '[name]' }],
  options: [
    { flags: '--key', description: 'a new key for all credentials, instead of a new password for one' },
    passwordFile,
  ],
  examples: [
    { command: 'sendense-run credentials rotate production', description: 'Asks for the new password' },
    { command: 'sendense-run credentials rotate --key', description: 'After somebody else may have read the key file' },
  ],
  exitCodes: [0, 1, 2, 10, 12, 130],
  files: [...files, ['<state>.key.old', 'The previous key, only while `rotate --key` runs.']],
  seeAlso: ['credentials', 'discover'],
  load: async () => ({ action: (await import('../actions/credentials.ts')).rotate }),
};

const remove: CommandDefinition = {
  name: 'remove',
  summary: 'Remove a stored credential',
  description: ['Refuses while a source of sendense.yaml or a plan beside it names the credential.'],
  arguments: [name],
  options: [{ flags: '--force', description: 'remove it even if a source or plan still names it' }],
  examples: [
    { command: 'sendense-run credentials remove production', description: 'Gone for good' },
    {
      command: 'sendense-run credentials remove --force production',
      description: 'Although a source still names it',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['credentials', 'discover'],
  load: async () => ({ action: (await import('../actions/credentials.ts')).remove }),
};

const test: CommandDefinition = {
  name: 'test',
  summary: 'Log in with a credential and list missing privileges',
  description: [
    'A node logs in to the vCenter or ESXi host of a source. The command compares the privileges of the user with those that a backup needs, or with `--for restore` those of a restore to a new VM (docs/vsphere.md). It changes nothing there.',
    'Ends with 1 if a privilege is missing. Ends with 12 if the server refuses user and password, or if its certificate is not the expected one.',
  ],
  arguments: [name],
  options: [
    {
      flags: '-s, --source <source>',
      description: 'where to log in: a source of sendense.yaml (default: the one that names the credential)',
      completes: 'sources',
    },
    { flags: '--node <node>', description: 'node that logs in (default: local)', completes: 'nothing' },
    {
      flags: '--for <purpose>',
      description: 'what the user is to do: backup or restore (default: backup)',
      completes: ['backup', 'restore'],
    },
  ],
  examples: [
    { command: 'sendense-run credentials test production', description: 'Does it work?' },
    {
      command: 'sendense-run credentials test restores --source vc1 --for restore',
      description: 'Could this user make VMs anew?',
    },
    {
      command: "sendense-run credentials test production --json | jq -r '.missing[].privilege'",
      description: 'What to add to the role, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 75, 130, 143],
  seeAlso: ['credentials', 'discover'],
  load: async () => ({ action: (await import('../actions/credentials.ts')).test }),
};

export const credentials: CommandDefinition = {
  name: 'credentials',
  summary: 'Manage users and passwords of vCenters and ESXi hosts',
  description: [
    'A credential is a user and a password under a name. The state database holds it, encrypted. A source of sendense.yaml or a plan names it: `credential: NAME`.',
  ],
  arguments: [],
  options: [],
  examples: [...add.examples.slice(0, 1), ...test.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['discover'],
  commands: [add, list, rotate, remove, test],
};
