import type { CommandDefinition } from '../command.ts';
import { installOptions } from '../units/install-options.ts';
import { logLevelOption } from '../units/log-level-option.ts';

const install: CommandDefinition = {
  name: 'install',
  summary: 'Make the hub a service of systemd',
  description: [
    'Writes sendense-hub.service to /etc/systemd/system, enables and starts it. Again is fine: what is current stays. A file that is not of Sendense is never touched. Where the Debian package brings the same unit, it is enabled and nothing is written.',
    'The service runs as the user sendense, who can write to the folder of the state database only (docs/operations.md).',
  ],
  arguments: [],
  options: installOptions,
  examples: [
    { command: 'sendense-run hub install', description: 'With the settings in /etc/sendense/sendense.yaml' },
    { command: 'sendense-run hub install --print', description: 'Look at the unit first' },
    {
      command: 'sendense-run hub install --remove',
      description: 'Take it away; settings, state and repositories stay',
    },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [['/etc/systemd/system/sendense-hub.service', 'The unit.']],
  seeAlso: ['hub'],
  load: () => import('../actions/hub-install.ts'),
};

export const hub: CommandDefinition = {
  name: 'hub',
  summary: 'Serve the nodes that connect to this hub (a service)',
  description: [
    'Runs until SIGTERM or SIGINT. Two things listen: an SSH server for enrolled nodes (`hub: listen` in sendense.yaml, by default 127.0.0.1:2222), unless `hub: ssh: openssh` leaves that to the sshd of this machine; and the API of the hub (`hub: api`, by default 127.0.0.1:8082) with /api/v1/health, /api/v1/nodes and /metrics for Prometheus.',
    'The SSH server knows enrolled keys and nothing else: no shell, no files, no other commands. A node reaches the API of the hub, and each NBD port only while a run has given it to this node; the hub reaches the API of the node. A node that connects again replaces its connection before, and one that is revoked is cut.',
    'Runs are processes of their own and need no service, except where their node connects to this hub.',
    'Logs JSON lines to standard error.',
  ],
  arguments: [],
  options: [
    {
      flags: '--listen <host:port>',
      description: 'where the SSH server listens, instead of `hub: listen`; beyond loopback only if you say so',
      completes: 'nothing',
    },
    logLevelOption,
  ],
  examples: [
    { command: 'sendense-run hub --listen 0.0.0.0:443', description: 'For nodes that reach port 443 alone' },
    { command: 'sendense-run hub --log-level warn', description: 'Only what is refused or goes wrong' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  files: [
    ['<state folder>/hub_host_key', 'Private key that nodes pin, made on first use, for its owner alone.'],
    ['<state folder>/hub-api.token', 'Token of the API, made on first use, for its owner alone.'],
  ],
  seeAlso: ['node', 'status'],
  commands: [install],
  load: () => import('../actions/hub.ts'),
};
