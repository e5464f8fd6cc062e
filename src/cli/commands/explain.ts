import type { CommandDefinition } from '../command.ts';

export const explain: CommandDefinition = {
  name: 'explain',
  summary: 'Explain an error code, rule, step or exit status, and what to do',
  description: [
    'Takes an error code (chain.no-parent), a rule of `validate` (yaml/tab), a step (node.transfer), or an exit status (16). Without an argument it lists them all.',
  ],
  arguments: [{ syntax: '[topic]', description: 'error code, rule, step or exit status', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run explain chain.no-parent', description: 'An error code' },
    { command: 'sendense-run explain 75', description: 'An exit status' },
    {
      command: 'sendense-run explain node.transfer',
      description: 'A step: its inputs, its outputs, and how a runner uses it',
    },
  ],
  exitCodes: [0, 2],
  seeAlso: ['validate', 'schema'],
  load: () => import('../actions/explain.ts'),
};
