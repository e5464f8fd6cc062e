import type { CommandDefinition } from '../command.ts';
import { installOptions } from '../units/install-options.ts';
import { logLevelOption } from '../units/log-level-option.ts';

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make the hub a service of systemd',
  description: [
    'Writes sendense-hub.service and sendense-files.service to /etc/systemd/system, enables and starts them. The second one reads files of restore points for the API; the first may not. You can repeat it: a unit that is current stays. It never touches a file that Sendense did not write. If the Debian package installed the same unit, the command enables that one and writes nothing.',
    'The service runs as the user sendense, who can write only to the folder of the state database (docs/operations.md).',
  ],
  arguments: [],
  options: installOptions,
  examples: [
    { command: 'sendense-run hub install', description: 'With the settings in /etc/sendense/sendense.yaml' },
    { command: 'sendense-run hub install --print', description: 'See the unit first' },
    {
      command: 'sendense-run hub install --remove',
      description: 'Remove it; settings, state and repositories stay',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [
    ['/etc/systemd/system/sendense-hub.service', 'The unit.'],
    ['/etc/systemd/system/sendense-files.service', 'What reads files of restore points for it.'],
  ],
  seeAlso: ['hub'],
  load: () => import('../actions/hub-install.ts'),
};

export const hub: CommandDefinition = {
  name: 'hub',
  summary: 'Serve the nodes that connect to this hub (a service)',
  description: [
    'Runs until SIGTERM or SIGINT. It serves two things. The first is an SSH server for enrolled nodes (`hub: listen` in sendense.yaml, by default 127.0.0.1:2222); with `hub: ssh: openssh` the sshd of this machine does that instead. The second is the API of the hub (`hub: api`, by default 127.0.0.1:8082) with /api/v1/health, /api/v1/nodes, /api/v1/restore for files of restore points, and /metrics for Prometheus.',
    'The SSH server accepts enrolled keys and nothing else: no shell, no files, no other commands. A node can reach the API of the hub, and an NBD port only while a run has leased it for this node. The hub can reach the API of the node. A node that connects again replaces its earlier connection. The hub cuts the connection of a revoked node.',
    'Runs are processes of their own. They need this service only if their node connects to this hub.',
    'Logs JSON lines to standard error.',
  ],
  arguments: [],
  options: [
    {
      flags: '--listen <host:port>',
      description:
        'where the SSH server listens, instead of `hub: listen`; it leaves loopback only if you name another address',
      completes: 'nothing',
    },
    logLevelOption,
  ],
  examples: [
    { command: 'sendense-run hub --listen 0.0.0.0:443', description: 'For nodes that can only reach port 443' },
    { command: 'sendense-run hub --log-level warn', description: 'Log only refusals and failures' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [
    [
      '<state folder>/hub_host_key',
      'Private host key; nodes pin its public half. Made on first use, readable only for its owner.',
    ],
    [
      '<state folder>/hub-tls/hub.pem',
      'Key and certificate of the API with `hub: tls`, unless you named your own. Made at the first start, readable only for its owner.',
    ],
    [
      '<state folder>/hub-api.token',
      'Token of the API; it can read every file of every backup. Made on first use, readable only for its owner.',
    ],
    [
      '<state folder>/hub-metrics.token',
      'Token for /metrics and /api/v1/health alone. Made on first use, readable only for its owner.',
    ],
  ],
  seeAlso: ['node', 'status'],
  commands: [install],
  load: () => import('../actions/hub.ts'),
};
