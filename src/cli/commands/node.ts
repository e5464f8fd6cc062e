import type { CommandDefinition, OptionDefinition } from '../command.ts';

const name = { syntax: '<name>', description: 'name of the node', completes: 'nothing' } as const;
const seeAlso = ['node', 'hub'] as const;

const add: CommandDefinition = {
  name: 'add',
  summary: 'Add a node and print its enrolment token',
  description: [
    'Prints a token, once. On the node: `sendense-node enroll --hub HOST --token-file FILE`. The token holds a key for one enrolment and the host key of this hub, which the node pins. Anyone who has the token can enrol as this node until it is used or expires. Treat it like a password.',
    'The hub keeps only the public half of that key. Each node gets a reverse port of its own (`hub: nodePorts`).',
    '--again makes a new token for a known node: one that lost its key, was revoked, or whose token expired. The node keeps its name and port. Its present key works until the new enrolment.',
  ],
  arguments: [name],
  options: [
    {
      flags: '--expires <duration>',
      description: 'how long the token is valid, at most 30d',
      default: '1h',
      completes: 'nothing',
    },
    { flags: '--again', description: 'make a new token for a known node' },
  ],
  examples: [
    { command: 'sendense-run node add site-b', description: 'A token that is valid for an hour' },
    {
      command: 'sendense-run node add site-b --again --expires 1d',
      description: 'Another token, for a reinstalled node',
    },
    { command: 'sendense-run node add site-b --json | jq -r .token > site-b.token', description: 'For a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).add }),
};

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the nodes and their connections',
  description: ['Prints one line per node: name, state, since when, its address, when it was last seen, its version.'],
  arguments: [],
  options: [],
  examples: [
    { command: 'sendense-run node list', description: 'All of them' },
    {
      command: 'sendense-run node list --json | jq -r \'.nodes[] | select(.state == "disconnected") | .name\'',
      description: 'Nodes that should be connected and are not, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).list }),
};

const show: CommandDefinition = {
  name: 'show',
  summary: 'Show a node: its key, ports and connection',
  description: ['Prints all that the hub knows about the node, without secrets.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node show site-b', description: 'One node' },
    {
      command: "sendense-run node show site-b --json | jq '.nodes[0].open_ports'",
      description: 'NBD ports that the node may reach now, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).show }),
};

const rename: CommandDefinition = {
  name: 'rename',
  summary: 'Give a node another name',
  description: ['The node stays connected and needs no change. Change the plans that name it.'],
  arguments: [name, { syntax: '<to>', description: 'its new name', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run node rename site-b dc1-node', description: 'Same node, same key' },
    {
      command: 'sendense-run node rename site-b dc1-node && sendense-run validate plans/',
      description: 'Rename it, then see which plans still use the old name',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).rename }),
};

const revoke: CommandDefinition = {
  name: 'revoke',
  summary: 'Refuse the key of a node from now on, and cut its connection',
  description: [
    'Its key, its token and the token of its API stop working at once. `sendense-run hub` cuts its connection within a second. With OpenSSH the command removes its lines from the authorized_keys file. It also ends every node session that is not proven to belong to another node; other nodes that lose a session connect again by themselves.',
    'The node stays in the list. `sendense-run node add NAME --again` lets it come back with a new key.',
  ],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node revoke site-b', description: 'Its key was stolen' },
    {
      command: 'sendense-run node revoke site-b && sendense-run node add site-b --again',
      description: 'Revoke it, and make a token for a new key',
    },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).revoke }),
};

const remove: CommandDefinition = {
  name: 'remove',
  summary: 'Forget a node, and cut its connection',
  description: ['Does what revoke does, and frees the name and port for another node.'],
  arguments: [name],
  options: [],
  examples: [
    { command: 'sendense-run node remove site-b', description: 'The site is closed' },
    { command: 'sendense-run node remove site-b --quiet', description: 'The same, in a script' },
  ],
  exitCodes: [0, 1, 2, 10],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).remove }),
};

const sshdConfig: CommandDefinition = {
  name: 'sshd-config',
  summary: 'Print and check the OpenSSH settings for the nodes',
  description: [
    'For `hub: ssh: openssh`. Prints the Match block for sshd_config and the lines of the authorized_keys file, which `sendense-run node` maintains. Each line allows one node exactly its forwards (restrict, permitopen for the NBD ports and the API of the hub, permitlisten for its reverse port) and one forced command.',
    '--check asks sshd (`sshd -T`) for the settings of the user of the nodes and reads the file. It names each difference and how to mend it, and ends with 1 if there is one.',
    'Each node has a loopback address of its own on the hub, where the hub serves the disks of this node and no others. OpenSSH lets the node connect to all NBD ports of that address at any time. The built-in server opens a port only while a run has leased it for this node.',
  ],
  arguments: [],
  options: [
    { flags: '--check', description: 'compare with the settings of sshd and the file' },
    { flags: '--write', description: 'write the authorized_keys file anew' },
    {
      flags: '--sshd-file <file>',
      description: 'with --check: the sshd_config of a separate sshd (default: that of the system)',
      completes: 'files',
    },
  ],
  examples: [
    {
      command: 'sendense-run node sshd-config > /etc/ssh/sshd_config.d/sendense.conf',
      description: 'The Match block; the lines of authorized_keys are comments in it',
    },
    { command: 'sendense-run node sshd-config --check', description: 'Is everything set up correctly?' },
  ],
  exitCodes: [0, 1, 2, 10],
  files: [['<state folder>/authorized_keys', 'The keys of all nodes, for sshd (`hub: authorizedKeys`).']],
  seeAlso,
  load: async () => ({ action: (await import('../actions/node.ts')).sshdConfig }),
};

const keyOption: OptionDefinition = {
  flags: '--key <fingerprint>',
  description: 'fingerprint of the key that logged in; it must still be the key of the node',
  completes: 'nothing',
};

const accept: CommandDefinition = {
  name: 'accept',
  summary: 'Only for sshd: enrol the node that logged in with its token',
  description: ['A line of the authorized_keys file forces this command. It talks to `sendense-node enroll`.'],
  arguments: [name],
  options: [keyOption],
  examples: [
    { command: 'sendense-run node accept site-b --key SHA256:FINGERPRINT', description: 'As sshd calls it' },
    {
      command: 'sendense-run --config /etc/sendense/sendense.yaml node accept site-b --key SHA256:FINGERPRINT',
      description: 'The same, with named settings',
    },
  ],
  exitCodes: [0, 1],
  seeAlso,
  hidden: true,
  load: async () => ({ action: (await import('../actions/node.ts')).accept }),
};

const link: CommandDefinition = {
  name: 'link',
  summary: 'Only for sshd: keep the connection of the node that logged in',
  description: ['A line of the authorized_keys file forces this command. It talks to `sendense-node tunnel`.'],
  arguments: [name],
  options: [keyOption],
  examples: [
    { command: 'sendense-run node link site-b --key SHA256:FINGERPRINT', description: 'As sshd calls it' },
    {
      command: 'sendense-run --config /etc/sendense/sendense.yaml node link site-b --key SHA256:FINGERPRINT',
      description: 'The same, with named settings',
    },
  ],
  exitCodes: [0, 1],
  seeAlso,
  hidden: true,
  load: async () => ({ action: (await import('../actions/node.ts')).link }),
};

export const node: CommandDefinition = {
  name: 'node',
  summary: 'Enrol and revoke nodes that connect to this hub',
  description: [
    'A node runs near the hypervisor and keeps a connection to this hub (mode dial-hub). It needs no open port and no entry in sendense.yaml. Plans name it: `node: NAME`. See docs/enrolment.md.',
  ],
  arguments: [],
  options: [],
  examples: [...add.examples.slice(0, 1), ...list.examples.slice(0, 1), ...revoke.examples.slice(0, 1)],
  exitCodes: [0, 1, 2, 10],
  seeAlso: ['hub'],
  commands: [add, list, show, rename, revoke, remove, sshdConfig, accept, link],
};
