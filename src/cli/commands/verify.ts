import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';
import { vmPatternOption } from '../vm-pattern-option.ts';

export const verify: CommandDefinition = {
  name: 'verify',
  summary: 'Prove that restore points are what was backed up',
  description: [
    'Makes a verify plan of the command line and runs it. Level quick looks at files, sizes, chain and qcow2 structure; digests reads each stored byte once; deep reads the disks of the guest through the chain.',
    'A broken restore point is marked: the next backup of the VM makes a full, and a restore of the latest one passes over it. The restore points that are built on it are named. One that is found sound again loses the mark.',
    'With --boot the newest verified restore point of each VM is started from a throw-away overlay, without a network, and a picture of it is kept.',
  ],
  arguments: [],
  options: [
    vmPatternOption,
    repositoryOrPath('repository to verify (default: the only one)'),
    ...keyOptions,
    pointOption('of each VM only this restore point'),
    {
      flags: '-l, --level <level>',
      description: 'how much is read',
      choices: ['quick', 'digests', 'deep'],
      default: 'digests',
    },
    {
      flags: '--points <which>',
      description:
        'latest of each VM, all, a share such as 10% (those that were verified longest ago), or those not verified for so long, such as 30d',
      default: 'latest',
      completes: ['latest', 'all', '10%', '30d'],
    },
    { flags: '--rate <rate>', description: 'read no faster, for example 100MiB a second', completes: 'nothing' },
    { flags: '--boot', description: 'start the newest verified restore point of each VM' },
    {
      flags: '--serial <text>',
      description: 'with --boot: up when this text comes on the serial console, for example login:',
      completes: 'nothing',
    },
    { flags: '--agent', description: 'with --boot: up when the QEMU guest agent answers' },
    { flags: '--accel <accel>', description: 'with --boot', choices: ['auto', 'tcg', 'kvm'], default: 'tcg' },
    { flags: '-n, --dry-run', description: 'show what would be read, and read nothing' },
  ],
  examples: [
    { command: 'sendense-run verify', description: 'The newest restore point of each VM, each stored byte' },
    {
      command: 'sendense-run verify --point yesterday',
      description: 'The last restore point of yesterday, of each VM',
    },
    { command: 'sendense-run verify --points 10% --rate 100MiB', description: 'Those whose turn it is' },
    { command: 'sendense-run verify --vm pgtest1 --points all --level deep', description: 'One VM, through the chain' },
    { command: 'sendense-run verify --vm pgtest1 --boot --serial login:', description: 'Does it still boot?' },
    {
      command:
        'sendense-run verify --json | jq -c \'select(.type == "step.succeeded" and .step == "verify").output.results[]\'',
      description: 'What was found of each one, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 14, 16, 70, 130, 143],
  seeAlso: ['check', 'list', 'restore', 'run'],
  load: () => import('../actions/verify.ts'),
};
