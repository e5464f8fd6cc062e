import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

export const check: CommandDefinition = {
  name: 'check',
  summary: 'Check a repository: chains, files, content',
  description: [
    'Compares manifests, files and state database with each other and runs `qemu-img check` on each file. Reads the content of every restore point and compares it with its block index. Lists files that no restore point owns. Changes nothing.',
    '--quick leaves out the checks that read the disks.',
  ],
  arguments: [{ syntax: '[vm-or-point]', description: 'only this VM or restore point', completes: 'vms' }],
  options: [
    { flags: '--quick', description: 'manifests, chains, sizes and qcow2 metadata only; does not read the content' },
    pointOption('of that VM only this restore point'),
    repositoryOrPath('only this repository'),
    ...keyOptions,
  ],
  examples: [
    { command: 'sendense-run check', description: 'Everything, including the content' },
    { command: 'sendense-run check --quick', description: 'Seconds instead of hours' },
    { command: 'sendense-run check pgtest1', description: 'One VM' },
    { command: 'sendense-run check pgtest1 --point latest', description: 'Its newest restore point' },
    {
      command: 'sendense-run check --json | jq -r \'.findings[] | .code + " " + .path\'',
      description: 'The findings, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 130, 143],
  seeAlso: ['list', 'show', 'repo'],
  load: () => import('../actions/check.ts'),
};
