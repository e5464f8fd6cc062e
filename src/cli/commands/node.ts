import type { CommandDefinition, OptionDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the node', completes: 'nothing' } as const;
const seeAlso = ['node', 'hub'] as const;

const add: CommandDefinition = {
  name: 'add',
  summary: 'Add a node, and print the token with which it enrols',
  description: [
    'Prints a token, once. On the node: `sendense-node enroll --hub HOST --token-file FILE`. The token holds a key for one enrolment and the host key of this hub, which the node pins: whoever has it can enrol as this node until it is used or expires, so hand it over as you would a password.',
    'The hub keeps the public half of that key only. Each node gets a reverse port of its own (`hub: nodePorts`).',
    '--again makes a new token for a node that is there: one that has lost its key, was revoked, or whose token expired. The node keeps its name and port; its present key is good until the new enrolment.',
  ],
  arguments: [name],
  options: [
    {
      flags: '--expires <duration>',
      description: 'how long the token is good, at most 30d',
      default: '1h',
      completes: 'nothing',
    },
    { flags: '--again', description: 'a new token for a node that is there' },
  ],
  examples: [
    { command: 'sendense-run node add site-b', description: 'A token, good for an hour' },
    {
      command: 'sendense-run node add site-b --again --expires 1d',
      description: 'Another one, for a node that was installed anew',
    },
    { command: 'sendense-run node add site-b --json | jq -r .token > site-b.token', description: 'For a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-add.ts'),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the nodes: which are connected, since when, from where',
  description: ['One line a node: name, state, since when, from which address, when it was last seen, its version.'],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run node list', description: 'All of them' },
    {
      command: 'sendense-run node list --json | jq -r \'.nodes[] | select(.state == "disconnected") | .name\'',
      description: 'Those that should be connected and are not, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-list.ts'),
};

const show: CommandDefinition = {
  name: 'show',
  summary: 'Show a node: its key, ports and connection',
  description: ['All that the hub knows of the node, without secrets.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node show site-b', description: 'One node' },
    {
      command: "sendense-run node show site-b --json | jq '.nodes[0].open_ports'",
      description: 'NBD ports that it may reach now, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-show.ts'),
};

const rename: CommandDefinition = {
  name: 'rename',
  summary: 'Give a node another name',
  description: ['The node need not know: it stays connected. Plans that name it have to be changed.'],
  arguments: [name, { syntax: '<to>', description: 'its new name', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run node rename site-b dc1-node', description: 'Same node, same key' },
    {
      command: 'sendense-run node rename site-b dc1-node && sendense-run validate plans/',
      description: 'And see which plans still use the old name',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-rename.ts'),
};

const revoke: CommandDefinition = {
  name: 'revoke',
  summary: 'Refuse the key of a node from now on, and cut its connection',
  description: [
    'Its key, its token and the token of its API are worthless at once; `sendense-run hub` cuts its connection within a second. With OpenSSH its lines go from the authorized_keys file, and sessions of the nodes that do not prove to be those of others are ended; others that are hit connect again by themselves.',
    'The node stays in the list. `sendense-run node add NAME --again` lets it come back with a new key.',
  ],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node revoke site-b', description: 'Its key was stolen' },
    {
      command: 'sendense-run node revoke site-b && sendense-run node add site-b --again',
      description: 'And a token with which it comes back with a new key',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-revoke.ts'),
};

const remove: CommandDefinition = {
  name: 'remove',
  summary: 'Forget a node, and cut its connection',
  description: ['As revoke, and its name and port are free for another node.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node remove site-b', description: 'The site is closed' },
    { command: 'sendense-run node remove site-b --quiet', description: 'The same, in a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: () => import('../actions/node-remove.ts'),
};

const sshdConfig: CommandDefinition = {
  name: 'sshd-config',
  summary: 'Print and check what OpenSSH needs to answer the nodes',
  description: [
    'For `hub: ssh: openssh`. Prints the Match block for sshd_config and the lines of the authorized_keys file, which `sendense-run node` keeps: for each node exactly its forwards (restrict, permitopen for the NBD ports and the API of the hub, permitlisten for its reverse port) and one forced command.',
    '--check asks sshd (`sshd -T`) what holds for the user of the nodes, reads the file, and names each difference and the way out; it ends with 1 where there is one.',
    'OpenSSH lets every enrolled node connect to all NBD ports, so there the data is in TLS too, with a key of each run that keeps other nodes out; the built-in server opens a port to the node alone that a run has given it to.',
  ],
  arguments: [],
  options: [
    { flags: '--check', description: 'compare with what sshd and the file say' },
    { flags: '--write', description: 'write the authorized_keys file anew' },
    {
      flags: '--sshd-file <file>',
      description: 'with --check: the sshd_config of an sshd of its own (default: that of the system)',
      completes: 'files',
    },
  ],
  examples: [
    {
      command: 'sendense-run node sshd-config > /etc/ssh/sshd_config.d/sendense.conf',
      description: 'The Match block; the lines of authorized_keys are comments in it',
    },
    { command: 'sendense-run node sshd-config --check', description: 'Is all as it must be?' },
  ],
  exitCodes: [0, 1, 2, 10],
  files: [['<state folder>/authorized_keys', 'The keys of all nodes, for sshd (`hub: authorizedKeys`).']],
  seeAlso,
  load: () => import('../actions/node-sshd-config.ts'),
};

const keyOption: OptionDefinition = {
  flags: '--key <fingerprint>',
  description: 'of the key that has logged in: it must still be the one of the node',
  completes: 'nothing',
};

const accept: CommandDefinition = {
  name: 'accept',
  summary: 'For sshd alone: enrol the node whose token has logged in',
  description: ['The forced command of a line of the authorized_keys file. Speaks with `sendense-node enroll`.'],
  arguments: [name],
  options: [keyOption],
  examples: [
    { command: 'sendense-run node accept site-b --key SHA256:FINGERPRINT', description: 'As sshd calls it' },
    {
      command: 'sendense-run --config /etc/sendense/sendense.yaml node accept site-b --key SHA256:FINGERPRINT',
      description: 'The same, with its settings',
    },
  ],
  exitCodes: [0, 1],
  seeAlso,
  hidden: true,
  load: () => import('../actions/node-accept.ts'),
};

const link: CommandDefinition = {
  name: 'link',
  summary: 'For sshd alone: keep the connection of the node that has logged in',
  description: ['The forced command of a line of the authorized_keys file. Speaks with `sendense-node tunnel`.'],
  arguments: [name],
  options: [keyOption],
  examples: [
    { command: 'sendense-run node link site-b --key SHA256:FINGERPRINT', description: 'As sshd calls it' },
    {
      command: 'sendense-run --config /etc/sendense/sendense.yaml node link site-b --key SHA256:FINGERPRINT',
      description: 'The same, with its settings',
    },
  ],
  exitCodes: [0, 1],
  seeAlso,
  hidden: true,
  load: () => import('../actions/node-link.ts'),
};

export const node: CommandDefinition = {
  name: 'node',
  summary: 'Enrol nodes that connect to this hub, and revoke them',
  description: [
    'A node beside the hypervisor that keeps a connection to this hub (mode dial-hub): it needs no port open to it, and no entry in sendense.yaml. Plans name it: `node: NAME`. See docs/enrolment.md.',
  ],
  arguments: [],
  options: [],
  examples: [...add.examples.slice(0, 1), ...list.examples.slice(0, 1), ...revoke.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['hub'],
  commands: [add, list, show, rename, revoke, remove, sshdConfig, accept, link],
};
