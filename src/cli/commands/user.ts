import type { CommandDefinition, OptionDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the user', completes: 'nothing' } as const;

const passwordFile: OptionDefinition = {
  flags: '--password-file <file>',
  description: 'file that holds the password; the program drops one newline at its end',
  completes: 'files',
};

const grants: readonly OptionDefinition[] = [
  {
    flags: '--role <role>',
    description: 'what the user may do: viewer, operator, restorer or admin; may be repeated',
    repeats: true,
    completes: ['viewer', 'operator', 'restorer', 'admin'],
  },
  {
    flags: '--vm <pattern>',
    description: 'only VMs of this name; * stands for any characters; may be repeated',
    repeats: true,
    completes: 'nothing',
  },
];

const passwordText =
  'You type the password on the terminal. Without a terminal it comes from standard input, or from --password-file. It is never an argument. It needs 12 characters: a shorter one can be guessed from a copy of the database.';

const rolesText =
  'A viewer sees VMs, runs and plans. An operator also starts and cancels runs. A restorer also reads files of restore points and restores, but starts no backup. An admin may do everything. Several roles add up.';

const action =
  (which: 'add' | 'list' | 'password' | 'remove' | 'roles' | 'disable' | 'enable' | 'sessions') => async () => ({
    action: (await import('../actions/user.ts'))[which],
  });

const add: CommandDefinition = {
  name: 'add',
  summary: "Add a user of the hub's API",
  description: ['Only the hash of the password is kept (argon2id).', passwordText, rolesText],
  arguments: [name],
  options: [...grants, passwordFile],
  examples: [
    { command: 'sendense-run user add anna --role admin', description: 'The first user; asks for the password' },
    {
      command: "sendense-run user add dba --role restorer --vm 'pg*' --vm 'mysql*'",
      description: 'Sees and restores some VMs only',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12, 130],
  seeAlso: ['user', 'hub'],
  load: action('add'),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List users with their roles',
  description: ['Shows name, roles, VMs, the last change, how many sessions go on, and who may not log in.'],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run user list', description: 'All of them' },
    {
      command: 'sendense-run user list --json | jq -r \'.users[] | select(.roles | index("admin")) | .name\'',
      description: 'Who may do everything, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('list'),
};

const password: CommandDefinition = {
  name: 'password',
  summary: 'Give a user a new password',
  description: ['Ends all sessions of the user.', passwordText],
  arguments: [name],
  options: [passwordFile],
  examples: [
    { command: 'sendense-run user password anna', description: 'Asks for the new password' },
    {
      command: 'pass show sendense/anna | sendense-run user password anna',
      description: 'From a password store',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12, 130],
  seeAlso: ['user', 'hub'],
  load: action('password'),
};

const roles: CommandDefinition = {
  name: 'roles',
  summary: 'Change what a user may do',
  description: ['Replaces roles and VMs, and ends all sessions of the user.', rolesText],
  arguments: [name],
  options: grants,
  examples: [
    { command: 'sendense-run user roles anna --role operator --role restorer', description: 'Both, for all VMs' },
    { command: "sendense-run user roles dba --role restorer --vm 'pg*'", description: 'Some VMs only' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('roles'),
};

const disable: CommandDefinition = {
  name: 'disable',
  summary: 'Let a user log in no more',
  description: ['Ends all sessions of the user. Name, roles and password stay until `user enable`.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run user disable anna', description: 'She is logged out at once' },
    { command: 'sendense-run user disable anna --json', description: 'Says what she has, for a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('disable'),
};

const enable: CommandDefinition = {
  name: 'enable',
  summary: 'Let a user log in again',
  description: ['Undoes `user disable`.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run user enable anna', description: 'She may log in with her password' },
    { command: 'sendense-run user enable anna --json', description: 'Says what she has, for a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('enable'),
};

const remove: CommandDefinition = {
  name: 'remove',
  summary: 'Remove a user',
  description: ['Ends all sessions of the user.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run user remove anna', description: 'She is logged out at once' },
    { command: 'sendense-run user remove anna --json', description: 'Says what she had, for a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('remove'),
};

const sessions: CommandDefinition = {
  name: 'sessions',
  summary: 'List who is logged in, or log somebody out',
  description: [
    'Shows each session with its last use. A session ends after 30 minutes without use, and 12 hours after its login at the latest.',
  ],
  arguments: [{ ...name, syntax: '[name]' }],
  options: [
    { flags: '--end <id>', description: 'end this session', completes: 'nothing' },
    { flags: '--end-all', description: 'end all sessions of the user' },
  ],
  examples: [
    { command: 'sendense-run user sessions', description: 'Who is logged in?' },
    { command: 'sendense-run user sessions anna --end-all', description: 'Log her out everywhere' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  load: action('sessions'),
};

export const user: CommandDefinition = {
  name: 'user',
  summary: "Manage who may log in at the hub's API",
  description: ['There is no user and no default password until you add one.', rolesText],
  arguments: [],
  options: [],
  examples: [...add.examples.slice(0, 1), ...sessions.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['hub'],
  commands: [add, list, password, roles, disable, enable, remove, sessions],
};
