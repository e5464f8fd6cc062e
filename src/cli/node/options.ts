import type { OptionDefinition } from '../command.ts';

/** They may stand before or after the command. */
export const nodeGlobalOptions: readonly OptionDefinition[] = [
  {
    flags: '--config <file>',
    description: 'settings (default: /etc/sendense/node.yaml where it is there)',
    completes: 'files',
  },
  {
    flags: '--state-dir <dir>',
    description: 'folder for jobs, block indexes and the enrolment (default: /var/lib/sendense-node)',
    completes: 'folders',
  },
  {
    flags: '--log-level <level>',
    description: 'the least important messages that are logged (default: info)',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
  },
  { flags: '--json', description: 'results as JSON on standard output' },
  { flags: '--no-color', description: 'no colours' },
];

export const listenOption: OptionDefinition = {
  flags: '--listen <host:port>',
  description: 'address of the API (default: 127.0.0.1:8081); beyond loopback only if you say so here',
};
export const socketOption: OptionDefinition = {
  flags: '--socket <path>',
  description: 'the API is on a Unix socket instead',
  completes: 'files',
};
export const tokenFileOption: OptionDefinition = {
  flags: '--token-file <file>',
  description: 'file with the token of the API (default: STATE-DIR/token)',
  completes: 'files',
};
