import type { OptionDefinition } from '../command.ts';

/** They may stand before or after the command. */
export const nodeGlobalOptions: readonly OptionDefinition[] = [
  {
    flags: '--config <file>',
    description: 'settings (default: /etc/sendense/node.yaml if it exists)',
    completes: 'files',
  },
  {
    flags: '--state-dir <dir>',
    description: 'folder for jobs, block indexes and the enrolment (default: /var/lib/sendense-node)',
    completes: 'folders',
  },
  {
    flags: '--log-level <level>',
    description: 'log messages of this level and above (default: info)',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
  },
  { flags: '--json', description: 'print results as JSON on standard output' },
  { flags: '--no-color', description: 'no colours' },
];

export const listenOption: OptionDefinition = {
  flags: '--listen <host:port>',
  description: 'address of the API (default: 127.0.0.1:8081); other machines can reach it only if you say so here',
};
export const socketOption: OptionDefinition = {
  flags: '--socket <path>',
  description: 'Unix socket of the API, instead of --listen',
  completes: 'files',
};
export const tokenFileOption: OptionDefinition = {
  flags: '--token-file <file>',
  description: 'file with the token of the API (default: STATE-DIR/token)',
  completes: 'files',
};
