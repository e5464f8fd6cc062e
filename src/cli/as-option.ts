import type { OptionDefinition } from './command.ts';

/** `--as` of every command that takes a plan from standard input. */
export const asOption: OptionDefinition = {
  flags: '--as <file>',
  description: 'with -: name of the plan in messages; relative paths count from its folder (default: ./stdin.yaml)',
  completes: 'files',
};
