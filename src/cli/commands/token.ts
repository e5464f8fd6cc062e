import type { CommandDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the token', completes: 'nothing' } as const;

const action = (which: 'create' | 'list' | 'revoke') => async () => ({
  action: (await import('../actions/token.ts'))[which],
});

const create: CommandDefinition = {
  name: 'create',
  summary: "Make a token for a script that uses the hub's API",
  description: [
    'Prints the token. Only its SHA-256 is kept, so nothing shows it again.',
    'A script sends it as `Authorization: Bearer TOKEN`. Its roles are those of users. Requests that ask a user for the password again ask no token.',
  ],
  arguments: [name],
  options: [
    {
      flags: '--role <role>',
      description: 'what it may do: viewer, operator, restorer or admin; may be repeated',
      repeats: true,
      completes: ['viewer', 'operator', 'restorer', 'admin'],
    },
    {
      flags: '--vm <pattern>',
      description: 'only VMs of this name; * stands for any characters; may be repeated',
      repeats: true,
      completes: 'nothing',
    },
    {
      flags: '--expires <time>',
      description: 'for how long it is good, or never: 12h, 30d, 6mo, 1y, never',
      default: '90d',
    },
  ],
  examples: [
    { command: 'sendense-run token create ci --role operator --expires 1y', description: 'Starts backups for a year' },
    {
      command:
        "(umask 077; sendense-run token create dba --role restorer --vm 'pg*' --json | jq -r .secret > dba.token)",
      description: 'Into a file that only you can read',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['token', 'user', 'hub'],
  load: action('create'),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List tokens with their roles, end and last use',
  description: ['Shows no secret: only the digest of each is kept.'],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run token list', description: 'All of them' },
    {
      command: "sendense-run token list --json | jq -r '.tokens[] | select(.used == null) | .name'",
      description: 'Which ones has nobody used? For a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['token', 'user'],
  load: action('list'),
};

const revoke: CommandDefinition = {
  name: 'revoke',
  summary: 'Make a token useless',
  description: ['The hub refuses it from now on.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run token revoke ci', description: 'It was found in a log' },
    { command: 'sendense-run token revoke ci --json', description: 'Says what it had, for a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['token', 'user'],
  load: action('revoke'),
};

export const token: CommandDefinition = {
  name: 'token',
  summary: "Manage tokens for scripts that use the hub's API",
  description: ['Each has a name, roles, an end, and perhaps VMs that it is limited to.'],
  arguments: [],
  options: [],
  examples: [...create.examples.slice(0, 1), ...list.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['user', 'hub'],
  commands: [create, list, revoke],
};
