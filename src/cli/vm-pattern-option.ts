import type { OptionDefinition } from './command.ts';

/** Which VMs, of commands that work on restore points of many. */
export const vmPatternOption: OptionDefinition = {
  flags: '--vm <pattern>',
  description: 'only VMs of this name; * stands for any characters; may be repeated',
  repeats: true,
  completes: 'known-vms',
};
