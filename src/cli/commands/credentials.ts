import type { CommandDefinition, OptionDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the credential', completes: 'credentials' } as const;

const passwordFile: OptionDefinition = {
  flags: '--password-file <file>',
  description: 'file that holds the password; one newline at its end is dropped',
  completes: 'files',
};

const passwordText =
  'The password is typed on the terminal, or comes from standard input where that is none, or from --password-file. It is never an argument, and it is in no output, log or journal.';

const files = [
  ['<state>', 'The state database, which holds the credentials, encrypted.'],
  ['<state>.key', 'The key that opens them, made on first use, for its owner alone.'],
] as const;

const add: CommandDefinition = {
  name: 'add',
  summary: 'Store user and password of a vCenter or ESXi host',
  description: ['Stores them in the state database, encrypted, under a name that sources and plans use.', passwordText],
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
  load: () => import('../actions/credentials-add.ts'),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List stored credentials, without passwords',
  description: [
    'Name, user, when it was made and when its password was last changed, and who names it: sources of sendense.yaml, and plans beside sendense.yaml or in plans/ there.',
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
  load: () => import('../actions/credentials-list.ts'),
};

const rotate: CommandDefinition = {
  name: 'rotate',
  summary: 'Change the password of a credential, or the key of all',
  description: [
    'With a name: stores a new password. Change it in vSphere first, and try it with `sendense-run credentials test`.',
    passwordText,
    'With --key: makes a new key file and seals all credentials with it, in one transaction; the old key is kept as `<state>.key.old` until that is done. Where systemd gives the key, all credentials are sealed with that one.',
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
  files: [...files, ['<state>.key.old', 'The key before, only while `rotate --key` is at work.']],
  seeAlso: ['credentials', 'discover'],
  load: () => import('../actions/credentials-rotate.ts'),
};

const remove: CommandDefinition = {
  name: 'remove',
  summary: 'Remove a stored credential',
  description: ['Refuses while a source of sendense.yaml or a plan beside it names the credential.'],
  arguments: [name],
  options: [{ flags: '--force', description: 'also where it is still named' }],
  examples: [
    { command: 'sendense-run credentials remove production', description: 'Gone for good' },
    {
      command: 'sendense-run credentials remove --force production',
      description: 'Although a source still names it',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['credentials', 'discover'],
  load: () => import('../actions/credentials-remove.ts'),
};

const test: CommandDefinition = {
  name: 'test',
  summary: 'Log in with a credential and say which privileges are missing',
  description: [
    'Lets a node log in to the vCenter or ESXi host of a source, and compares what the user may do with what a backup needs (docs/vsphere.md). Nothing is changed there.',
    'Ends with 1 where a privilege is missing, and with 12 where the server refuses user and password or its certificate is not the expected one.',
  ],
  arguments: [name],
  options: [
    {
      flags: '-s, --source <source>',
      description: 'where to log in: a source of sendense.yaml (default: the one that names the credential)',
      completes: 'sources',
    },
    { flags: '--node <node>', description: 'node that logs in (default: local)', completes: 'nothing' },
  ],
  examples: [
    { command: 'sendense-run credentials test production', description: 'Does it work?' },
    {
      command: "sendense-run credentials test production --json | jq -r '.missing[].privilege'",
      description: 'What to add to the role, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 75, 130, 143],
  seeAlso: ['credentials', 'discover'],
  load: () => import('../actions/credentials-test.ts'),
};

export const credentials: CommandDefinition = {
  name: 'credentials',
  summary: 'Keep users and passwords of vCenters and ESXi hosts',
  description: [
    'A credential is a user and a password under a name, kept encrypted in the state database. A source of sendense.yaml or a plan names it: `credential: NAME`.',
  ],
  arguments: [],
  options: [],
  examples: [...add.examples.slice(0, 1), ...test.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['discover'],
  commands: [add, list, rotate, remove, test],
};
