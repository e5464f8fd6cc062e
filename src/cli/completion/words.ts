import { Option } from 'commander';
import type { CommandDefinition, Completes, OptionDefinition } from '../command.ts';
import { commands, globalOptions } from '../commands/index.ts';

export interface CompletedOption {
  /** `-m`, `--mode` */
  readonly names: readonly string[];
  /** The first words of it. */
  readonly description: string;
  /** What follows it; undefined for a flag. */
  readonly value: Completes | undefined;
}

export interface CompletedCommand {
  /** `run`, `repo import` */
  readonly path: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly argument: Completes;
  /** Of all arguments, in their order; the last one stands for all that follow. */
  readonly arguments: readonly Completes[];
  /** Names of the commands below it. */
  readonly children: readonly string[];
}

const optionOf = ({ flags, description, choices, completes }: OptionDefinition): CompletedOption => {
  const { short, long, required, optional } = new Option(flags);
  return {
    names: [short, long].filter((name) => name !== undefined),
    description: (description.split(/[;:(]/)[0] ?? '').trim(),
    value: required || optional ? (choices ?? completes ?? 'nothing') : undefined,
  };
};

const help: CompletedOption = { names: ['-h', '--help'], description: 'help', value: undefined };

/** Options of every command. */
export const completedGlobals: readonly CompletedOption[] = [...globalOptions.map(optionOf), help];

const completed = (definition: CommandDefinition, above: string): CompletedCommand[] => {
  const path = above === '' ? definition.name : `${above} ${definition.name}`;
  const children = definition.commands ?? [];
  return [
    {
      path,
      summary: definition.summary,
      options: definition.options.map(optionOf),
      argument:
        children.length > 0 ? children.map(({ name }) => name) : (definition.arguments[0]?.completes ?? 'nothing'),
      arguments: definition.arguments.map(({ completes }) => completes),
      children: children.map(({ name }) => name),
    },
    ...children.flatMap((child) => completed(child, path)),
  ];
};

export const completedCommands = (): CompletedCommand[] => [
  ...commands.flatMap((definition) => completed(definition, '')),
  {
    path: 'help',
    summary: 'Help for a command',
    options: [],
    argument: commands.map(({ name }) => name),
    arguments: [],
    children: [],
  },
];

export const topLevelNames = (): string[] =>
  completedCommands()
    .filter(({ path }) => !path.includes(' '))
    .map(({ path }) => path);
