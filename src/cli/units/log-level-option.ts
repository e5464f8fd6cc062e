import type { OptionDefinition } from '../command.ts';

/** Of the commands that serve. */
export const logLevelOption: OptionDefinition = {
  flags: '--log-level <level>',
  description: 'lowest level that is logged',
  choices: ['debug', 'info', 'warn', 'error'],
  default: 'info',
};
