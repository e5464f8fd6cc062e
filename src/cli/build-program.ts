import { Argument, Command, Option } from 'commander';
import { columnsOf, type OutputStream, type Terminal } from '../view/terminal.ts';
import { described, labelled, wrap } from '../view/text.ts';
import type { Style } from '../view/style.ts';
import type { CommandDefinition, OptionDefinition } from './command.ts';
import { exampleLines } from './example-lines.ts';
import { commands, globalOptions } from './commands/index.ts';
import { exitCodes } from './exit-codes.ts';

/** Columns for descriptions from which on commander breaks them at words; it would not below 40. */
export const minWidthToWrap = 20;

export interface ProgramParts {
  readonly version: string;
  readonly terminal: Terminal;
  /** Called with the command that the user named. @param path its name with those of the commands above it: `repo gc` */
  act(
    definition: CommandDefinition,
    path: string,
    args: readonly string[],
    options: Record<string, unknown>,
  ): Promise<void>;
}

/** The commander program of the list of commands. Parsing throws CommanderError, also after help was printed. */
export function buildProgram(parts: ProgramParts): Command {
  const program = new Command('sendense-run')
    .description(
      'Backs up virtual machines as code: runs YAML plans, keeps plain qcow2 chains that qemu-img alone can restore.',
    )
    .version(parts.version, '-V, --version', 'print the version')
    .usage('[command] [options]')
    .helpCommand('help [command]', 'help for a command')
    .helpOption('-h, --help', 'help')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, minWidthToWrap });
  configure(program, parts.terminal, 'sendense-run');
  for (const option of globalOptions) program.addOption(optionOf(option));
  program.addHelpText('after', () => afterProgram(parts.terminal));
  for (const definition of commands)
    program.addCommand(commandOf(definition, parts), { isDefault: definition.name === 'run' });
  return program;
}

function commandOf(definition: CommandDefinition, parts: ProgramParts, above = ''): Command {
  const path = `${above}${definition.name}`;
  const command = new Command(definition.name)
    .summary(definition.summary)
    .description(definition.description.join('\n\n'));
  configure(command, parts.terminal, `sendense-run ${path}`);
  command.helpOption('-h, --help', 'help').configureHelp({ showGlobalOptions: true, minWidthToWrap });
  for (const { syntax, description, completes } of definition.arguments) {
    const argument = new Argument(syntax, description);
    command.addArgument(Array.isArray(completes) ? argument.choices(completes as string[]) : argument);
  }
  for (const option of definition.options) command.addOption(optionOf(option));
  command.addHelpText('after', () => afterCommand(definition, parts.terminal));
  for (const child of definition.commands ?? [])
    command.addCommand(commandOf(child, parts, `${path} `), { hidden: child.hidden ?? false });
  if (definition.load) {
    command.action(async () => parts.act(definition, path, command.args, command.optsWithGlobals()));
  }
  if (definition.commands) command.helpCommand(false);
  return command;
}

export function optionOf({ flags, description, choices, default: value, repeats }: OptionDefinition): Option {
  const option = new Option(flags, description);
  if (choices) option.choices([...choices]);
  if (value !== undefined) option.default(value);
  if (repeats) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  return option;
}

function configure(command: Command, { stdout, stderr, style, errorStyle }: Terminal, called: string): void {
  const widthOf = (stream: OutputStream): number => Math.min(100, columnsOf(stream));
  command
    .exitOverride()
    .showHelpAfterError(`(see ${called} --help)`)
    .configureOutput({
      writeOut: (text) => void stdout.write(readable(text, style)),
      writeErr: (text) => void stderr.write(readable(text, errorStyle)),
      outputError: (text, write) => write(errorStyle.red(text.replace(/^error: /, 'sendense-run: '))),
      getOutHelpWidth: () => widthOf(stdout),
      getErrHelpWidth: () => widthOf(stderr),
      getOutHasColors: () => style.colour,
      getErrHasColors: () => errorStyle.colour,
    })
    .configureHelp({
      ...command.configureHelp(),
      styleTitle: (text) => style.bold(text),
      styleCommandText: (text) => style.bold(text),
      subcommandTerm: (child) =>
        [child.name(), ...child.registeredArguments.map((argument) => termOf(argument))].join(' '),
    });
}

const termOf = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

/** Help is written with a few characters that not every terminal has. */
const readable = (text: string, { unicode }: Style): string =>
  unicode ? text : text.replaceAll('…', '...').replaceAll('–', '-');

function afterProgram({ style, stdout }: Terminal): string {
  const columns = Math.min(100, columnsOf(stdout));
  const examples = [
    ['sendense-run pgtest1-nightly.yaml', 'run a plan'],
    ['sendense-run plan pgtest1-nightly.yaml', 'see first what it would do'],
    ['sendense-run show pgtest1', 'see what there is to restore'],
    ['sendense-run restore pgtest1 --to ./restored', 'restore it'],
  ];
  return [
    '',
    style.bold('Examples:'),
    ...described(
      examples.map(([command = '', what = '']) => [`  ${style.cyan(command.padEnd(46))}`, what]),
      columns,
    ),
    '',
    ...wrap(
      'Each command has help of its own: sendense-run help COMMAND. Exit statuses: sendense-run explain.',
      columns,
    ),
  ].join('\n');
}

function afterCommand({ examples, exitCodes: codes, load }: CommandDefinition, { style, stdout }: Terminal): string {
  const columns = Math.min(100, columnsOf(stdout));
  const lines = ['', style.bold('Examples:')];
  for (const { command, description } of examples)
    lines.push(...exampleLines(command, description, style, columnsOf(stdout)));
  if (!load) return lines.join('\n');
  lines.push('', style.bold('Exit status:'));
  for (const code of codes) lines.push(...labelled(`  ${String(code).padStart(3)}  `, exitCodes[code] ?? '', columns));
  return lines.join('\n');
}
