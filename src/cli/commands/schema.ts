import type { CommandDefinition } from '../command.ts';

export const schema: CommandDefinition = {
  name: 'schema',
  summary: 'Print a JSON schema, or list them',
  description: [
    'Prints the schema of plans, settings, steps and of every JSON that the programs print, in one piece (JSON Schema 2020-12 with everything that it refers to). Without a name: the list.',
    'An editor with a YAML language server completes and checks plans with it. Any other validator of JSON Schema names the field that is wrong.',
  ],
  arguments: [
    {
      syntax: '[name]',
      description: 'as in the list, for example plan, settings, output/run-event, steps/node.transfer',
      completes: 'nothing',
    },
  ],
  options: [],
  examples: [
    { command: 'sendense-run schema', description: 'What is there?' },
    {
      command: 'sendense-run schema plan > plan.schema.json',
      description: 'For an editor: # yaml-language-server: $schema=plan.schema.json',
    },
    { command: 'sendense-run schema output/run-event', description: 'The lines of --json' },
  ],
  exitCodes: [0, 2],
  seeAlso: ['validate', 'explain'],
  load: () => import('../actions/schema.ts'),
};
