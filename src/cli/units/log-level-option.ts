import type { OptionDefinition } from '../command.ts';

/** Of the commands that serve. */
export const logLevelOption: OptionDefinition = {
  flags: '--log-level <level>',
  description: 'from which level on messages are logged',
  choices: ['debug', 'info', 'warn', 'error'],
  default: 'info',
};
