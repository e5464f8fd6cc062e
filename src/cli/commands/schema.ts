import type { CommandDefinition } from '../command.ts';

export const schema: CommandDefinition = {
  name: 'schema',
  summary: 'Print a JSON schema, or list them',
  description: [
    'Prints the schema of plans, settings, steps, or of any JSON that the programs print, as one document (JSON Schema 2020-12 with everything that it refers to). Without a name it lists the schemas.',
    'An editor with a YAML language server uses it to complete and check plans. Any validator of JSON Schema can use it to find wrong fields.',
  ],
  arguments: [
    {
      syntax: '[name]',
      description: 'name from the list, for example plan, settings, output/run-event, steps/node.transfer',
      completes: 'nothing',
    },
  ],
  options: [],
  examples: [
    { command: 'sendense-run schema', description: 'The list of schemas' },
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
