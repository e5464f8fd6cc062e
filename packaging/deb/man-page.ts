import type { CommandDefinition, OptionDefinition } from '../../src/cli/command.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';

export type DocumentedCommand = Pick<
  CommandDefinition,
  'name' | 'summary' | 'description' | 'options' | 'examples' | 'exitCodes'
> &
  Partial<Pick<CommandDefinition, 'arguments' | 'commands' | 'hidden'>>;

export interface ManPage {
  readonly program: string;
  readonly summary: string;
  readonly section: 1 | 8;
  readonly version: string;
  readonly commands: readonly DocumentedCommand[];
  readonly globalOptions: readonly OptionDefinition[];
}

/** A manual page in roff, from what help says too. Source: man(7). */
export function manPage(page: ManPage): string {
  const { program, summary, section, version, commands, globalOptions } = page;
  return `${[
    `.TH ${program.toUpperCase()} ${section} "" "Sendense ${version}" "Sendense"`,
    '.SH NAME',
    `${text(program)} \\- ${text(summary)}`,
    '.SH SYNOPSIS',
    `.B ${text(program)}`,
    '.I command',
    '[options]',
    '.SH OPTIONS',
    'They may stand before or after the command.',
    ...globalOptions.flatMap(option),
    '.SH COMMANDS',
    ...commands.flatMap((command) => described(command, '')),
    '.SH EXIT STATUS',
    ...Object.entries(exitCodes).flatMap(([code, meaning]) => ['.TP', code, text(meaning)]),
    '.SH SEE ALSO',
    'The documents in /usr/share/doc/sendense\\-common, above all operations.md and errors.md.',
  ].join('\n')}\n`;
}

function described(command: DocumentedCommand, above: string): string[] {
  if (command.hidden) return [];
  const path = `${above}${command.name}`;
  const operands = (command.arguments ?? []).map(({ syntax }) => syntax).join(' ');
  return [
    `.SS ${text(`${path} ${operands}`.trim())}`,
    text(`${command.summary}.`),
    ...command.description.flatMap((paragraph) => ['.PP', text(paragraph)]),
    ...command.options.flatMap(option),
    ...command.examples.flatMap(({ command: line, description }) => [
      '.PP',
      `${text(description)}:`,
      '.PP',
      '.EX',
      text(line),
      '.EE',
    ]),
    ...(command.commands ?? []).flatMap((child) => described(child, `${path} `)),
  ];
}

const option = ({ flags, description }: OptionDefinition): string[] => ['.TP', `.B ${text(flags)}`, text(description)];

/** Source: groff(7): a backslash escapes, a point or apostrophe at the start of a line is a request, hyphens are minus signs. */
const text = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^([.'])/gm, '\\&$1');
