import type { CommandDefinition } from '../command.ts';
import { pointOption } from '../point-option.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';
import { vmPatternOption } from '../vm-pattern-option.ts';

export const verify: CommandDefinition = {
  name: 'verify',
  summary: 'Verify that restore points hold what was backed up',
  description: [
    'Makes a verify plan from the command line and runs it. Level quick checks files, sizes, chain and qcow2 structure. Level digests reads each stored byte once. Level deep reads the disks of the guest through the chain.',
    'The run marks a broken restore point and names the restore points that are built on it. The next backup of the VM is then a full, and a restore of the latest restore point skips the broken one. If a later run finds it sound again, it removes the mark.',
    'With --files the run opens every file system of each of these restore points in a sandbox and lists its root. What is damaged fails the run.',
    'With --boot the run starts the newest verified restore point of each VM from a throw-away overlay, without a network. It keeps a screenshot.',
  ],
  arguments: [],
  options: [
    vmPatternOption,
    repositoryOrPath('repository to verify (default: the only one)'),
    ...keyOptions,
    pointOption('of each VM only this restore point'),
    {
      flags: '-l, --level <level>',
      description: 'how much to read',
      choices: ['quick', 'digests', 'deep'],
      default: 'digests',
    },
    {
      flags: '--points <which>',
      description:
        'latest of each VM, all, a share such as 10% (the ones verified longest ago), or an age such as 30d (the ones not verified for that long)',
      default: 'latest',
      completes: ['latest', 'all', '10%', '30d'],
    },
    {
      flags: '--rate <rate>',
      description: 'highest speed of reading, for example 100MiB a second',
      completes: 'nothing',
    },
    { flags: '--files', description: 'open the file systems of each verified restore point' },
    {
      flags: '--passphrase-file <file>',
      description: 'with --files: file with the passphrase of LUKS volumes of the guests',
      completes: 'files',
    },
    { flags: '--boot', description: 'start the newest verified restore point of each VM' },
    {
      flags: '--serial <text>',
      description: 'with --boot: the guest is up when this text appears on the serial console, for example login:',
      completes: 'nothing',
    },
    { flags: '--agent', description: 'with --boot: the guest is up when the QEMU guest agent answers' },
    {
      flags: '--accel <accel>',
      description: 'with --boot: accelerator of QEMU',
      choices: ['auto', 'tcg', 'kvm'],
      default: 'tcg',
    },
    { flags: '-n, --dry-run', description: 'show the restore points and read nothing' },
  ],
  examples: [
    { command: 'sendense-run verify', description: 'The newest restore point of each VM, each stored byte' },
    {
      command: 'sendense-run verify --point yesterday',
      description: 'The last restore point of yesterday, of each VM',
    },
    {
      command: 'sendense-run verify --points 10% --rate 100MiB',
      description: 'The tenth that was verified longest ago',
    },
    { command: 'sendense-run verify --vm pgtest1 --points all --level deep', description: 'One VM, through the chain' },
    { command: 'sendense-run verify --level quick --files', description: 'Can the files of each VM still be read?' },
    { command: 'sendense-run verify --vm pgtest1 --boot --serial login:', description: 'Does it still boot?' },
    {
      command:
        'sendense-run verify --json | jq -c \'select(.type == "step.succeeded" and .step == "verify").output.results[]\'',
      description: 'The result of each restore point, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10, 12, 14, 16, 70, 130, 143],
  seeAlso: ['check', 'files', 'list', 'restore', 'run'],
  load: () => import('../actions/verify.ts'),
};
