import type { Style } from '../view/style.ts';
import { command as commandLines, labelled } from '../view/text.ts';

/** An example of the help: what it does, and the command. One with quotes stays whole, for a shell reads a line break in them. */
export function exampleLines(command: string, description: string, style: Style, columns: number): string[] {
  const lines = /['"]/.test(command) ? [`  ${command}`] : commandLines('  ', command.split(' '), columns);
  return [...labelled('  # ', description, columns).map(style.dim), ...lines.map(style.cyan)];
}
