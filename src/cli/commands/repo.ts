import type { CommandDefinition } from '../command.ts';

const repoImport: CommandDefinition = {
  name: 'import',
  summary: 'Rebuild the state database from the manifests of a repository',
  description: [
    'Reads every manifest of the repository and enters what the state database does not know: after the database was lost, or after a repository was brought from another hub. What is known already stays as it is; a manifest that is damaged or does not fit its files is refused and named.',
  ],
  arguments: [{ syntax: '<name>', description: 'name of the repository in sendense.yaml', completes: 'nothing' }],
  options: [],
  examples: [
    { command: 'sendense-run repo import primary', description: 'After the state database was lost' },
    {
      command: 'sendense-run repo import primary && sendense-run check --quick',
      description: 'And see that all is well',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['check', 'list'],
  load: () => import('../actions/repo-import.ts'),
};

export const repo: CommandDefinition = {
  name: 'repo',
  summary: 'Work on a repository',
  description: ['A repository is a directory with one folder a VM; it can be moved, and read without Sendense.'],
  arguments: [],
  options: [],
  examples: repoImport.examples,
  exitCodes: repoImport.exitCodes,
  seeAlso: repoImport.seeAlso,
  commands: [repoImport],
};
