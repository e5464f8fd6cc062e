import type { Diagnostic } from './diagnostic.ts';
import { maskSecrets } from './mask-secrets.ts';
import type { ValidationResult } from './validate-files.ts';
import { orList } from './words.ts';

/** ANSI, as a function of the text; plain where colour is off. */
type Paint = (text: string) => string;
interface Palette {
  readonly bold: Paint;
  readonly red: Paint;
  readonly blue: Paint;
  readonly green: Paint;
}

function palette(color: boolean): Palette {
  const paint = (on: number, off: number): Paint =>
    color ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return { bold: paint(1, 22), red: paint(31, 39), blue: paint(34, 39), green: paint(32, 39) };
}

/** For people: each diagnostic with its line, what is wrong in it underlined, and a summary. */
export function formatText(result: ValidationResult, { color }: { color: boolean }): string {
  return `${formatExcerpts(result, { color })}${summary(result, palette(color))}`;
}

/** The diagnostics alone, for a program that has more to say. */
export function formatExcerpts(
  { diagnostics, texts }: Pick<ValidationResult, 'diagnostics' | 'texts'>,
  { color }: { color: boolean },
): string {
  return diagnostics.map((item) => `${block(item, texts.get(item.file), palette(color))}\n`).join('');
}

function block(item: Diagnostic, text: string | undefined, { bold, red, blue }: Palette): string {
  const lines = [
    `${bold(`${item.file}:${item.line}:${item.column}:`)} ${red(item.severity)}: ${bold(clean(item.message))} ${blue(`[${item.rule}]`)}`,
  ];
  const excerpt = text?.split('\n')[item.line - 1];
  const gutter = ' '.repeat(String(item.line).length);
  if (excerpt !== undefined && excerpt.trim() !== '') {
    const line = maskSecrets(clean(excerpt.replace(/\r$/, '')), item.path);
    const { shown, from, length } = window(line, item);
    lines.push(blue(` ${gutter} |`), `${blue(` ${item.line} |`)} ${shown}`);
    lines.push(`${blue(` ${gutter} |`)} ${shown.slice(0, from).replace(/[^\t]/gu, ' ')}${red('^'.repeat(length))}`);
  }
  const note = (word: string, what: string): void =>
    void lines.push(`${blue(` ${gutter} =`)} ${bold(`${word}:`)} ${what}`);
  if (item.suggestion !== null) note('did you mean', clean(item.suggestion));
  if (item.allowed.length > 0) note('allowed', clean(orList(item.allowed)));
  note('help', clean(item.remedy));
  return `${lines.join('\n')}\n`;
}

const widest = 140;

/** The part of a long line that matters, and where in it the underlining begins and how long it is. */
function window(line: string, item: Diagnostic): { shown: string; from: number; length: number } {
  const from = Math.min(item.column - 1, line.length);
  const end = item.end_line > item.line ? line.trimEnd().length : item.end_column - 1;
  const length = Math.max(1, Math.min(end, line.length) - from);
  if (line.length <= widest) return { shown: line, from, length };
  const start = Math.max(0, Math.min(from - 40, line.length - widest));
  const cut = (start > 0 ? '…' : '') + line.slice(start, start + widest) + (start + widest < line.length ? '…' : '');
  const at = from - start + (start > 0 ? 1 : 0);
  return { shown: cut, from: at, length: Math.max(1, Math.min(length, cut.length - at)) };
}

/** Nothing from a file may steer the terminal. */
const clean = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

function summary({ diagnostics, files }: ValidationResult, { bold, red, green }: Palette): string {
  const looked = `${count(files.length, 'file')} checked`;
  if (diagnostics.length === 0) return `${green('valid:')} ${looked}, nothing to complain about\n`;
  const wrong = new Set(diagnostics.map((item) => item.file)).size;
  return `${bold(red(count(diagnostics.length, 'error')))} in ${count(wrong, 'file')}; ${looked}\n`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
