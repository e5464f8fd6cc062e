import type { CommandDefinition } from '../command.ts';

export const completion: CommandDefinition = {
  name: 'completion',
  summary: 'Print a completion script for a shell',
  description: [
    'Completes commands, options, their values, plan files, folders, and names of VMs, repositories, sources and credentials.',
    'For names, the scripts ask the program. It reads the settings of the current folder and never uses the network. `sendense-run completion vms` prints the folders of the repositories, `known-vms` the VMs of sendense.yaml and of earlier runs. `sources` and `repositories` come from sendense.yaml, `credentials` from the state database.',
    '`points` are the restore points in the repositories. `places` are volumes, folders and files of a restore point that `files` has open: one that is not open is not opened for that.',
  ],
  arguments: [
    {
      syntax: '<shell>',
      description:
        'bash, zsh or fish; vms, known-vms, boots, points, places, repositories, sources or credentials for their names',
      completes: [
        'bash',
        'zsh',
        'fish',
        'vms',
        'known-vms',
        'boots',
        'points',
        'places',
        'repositories',
        'sources',
        'credentials',
      ],
    },
    {
      syntax: '[words...]',
      description: 'for points: how the name begins; for places: the restore point, and how the place begins',
      completes: 'nothing',
    },
  ],
  options: [],
  examples: [
    { command: 'source <(sendense-run completion bash)', description: 'bash, for this session' },
    {
      command: 'sendense-run completion bash > /etc/bash_completion.d/sendense-run',
      description: 'bash, for everybody',
    },
    { command: 'sendense-run completion zsh > "${fpath[1]}/_sendense-run"', description: 'zsh' },
    { command: 'sendense-run completion fish > ~/.config/fish/completions/sendense-run.fish', description: 'fish' },
  ],
  exitCodes: [0, 2],
  seeAlso: [],
  load: () => import('../actions/completion.ts'),
};
