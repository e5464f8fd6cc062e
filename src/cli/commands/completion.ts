import type { CommandDefinition } from '../command.ts';

export const completion: CommandDefinition = {
  name: 'completion',
  summary: 'Print a completion script for a shell',
  description: [
    'Completes commands, options, their values, plan files, folders, and names of VMs and sources.',
    'For these the scripts ask `sendense-run completion vms`, which prints the folders of the repositories that the settings of the current folder name, and `sendense-run completion sources`: quick, and without opening the state database.',
  ],
  arguments: [
    {
      syntax: '<shell>',
      description: 'bash, zsh or fish; vms or sources for their names',
      completes: ['bash', 'zsh', 'fish', 'vms', 'sources'],
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
