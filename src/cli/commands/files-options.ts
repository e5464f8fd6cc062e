import type { ArgumentDefinition, OptionDefinition } from '../command.ts';
import { keyOptions, repositoryOrPath } from '../rescue-options.ts';

export const point: ArgumentDefinition = {
  syntax: '<point>',
  description: 'the restore point: a VM (its newest one), VM@POINT with what `--point` takes elsewhere, or an id',
  completes: 'points',
};

export const place = (syntax: string, description: string): ArgumentDefinition => ({
  syntax,
  description,
  completes: 'places',
});

export const common: readonly OptionDefinition[] = [
  {
    flags: '--passphrase-file <file>',
    description: 'file with the passphrase of a LUKS volume; /dev/stdin for standard input',
    completes: 'files',
  },
  {
    flags: '--identity <uuid>',
    description: 'which VM, if several have restore points under this name; `list` shows the uuid',
    completes: 'nothing',
  },
  repositoryOrPath('repository to read (default: the one that has the VM)'),
  ...keyOptions,
];

export const exitCodes = [0, 1, 2, 3, 10, 12, 70, 75, 130, 143];
