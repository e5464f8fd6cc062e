import { isSecretPointer, type Diagnostic } from './diagnostic.ts';
import { maskLine } from '../yaml/mask-line.ts';
import type { ValidationResult } from '../validate-files.ts';
import { orList } from '../../errors/findings/words.ts';

/** ANSI, as a function of the text; plain where colour is off. */
type Paint = (text: string) => string;
interface Palette {
  readonly bold: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly green: Paint;
}

function palette(color: boolean): Palette {
  const paint = (on: number, off: number): Paint =>
    color ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return { bold: paint(1, 22), red: paint(31, 39), yellow: paint(33, 39), blue: paint(34, 39), green: paint(32, 39) };
}

export interface TextOptions {
  readonly color: boolean;
  /** Columns of the terminal; none: lines are not broken. */
  readonly columns?: number | undefined;
  /** Breaks a text at its words. @param label stands before the first line, the others are indented by as much */
  labelled?(label: string, text: string, columns: number): string[];
  /** Columns that a text takes on a terminal. */
  widthOf?(text: string): number;
}

const laidOut = ({ columns = Number.POSITIVE_INFINITY, labelled, widthOf }: TextOptions) => ({
  columns,
  labelled: labelled ?? ((label: string, text: string): string[] => [`${label}${text}`]),
  widthOf: widthOf ?? ((text: string): number => text.length),
});

/** For people: each diagnostic with its line, what is wrong in it underlined, and a summary. */
export function formatText(result: ValidationResult, options: TextOptions): string {
  return `${formatExcerpts(result, options)}${summary(result, options)}`;
}

/** The diagnostics alone, for a program that has more to say. */
export function formatExcerpts(
  { diagnostics, texts, files = [] }: Pick<ValidationResult, 'diagnostics' | 'texts'> & Partial<ValidationResult>,
  options: TextOptions,
): string {
  const settings = new Map(files.map((file) => [file.file, file.settings ?? null]));
  const lineOf = shownLines(texts);
  return diagnostics
    .map((item) => {
      const against = item.rule.startsWith('settings/') ? (settings.get(item.file) ?? null) : null;
      return `${block(item, lineOf(item), against, options)}\n`;
    })
    .join('');
}

/** The line that a diagnostic is about, as it may be shown. Thousands may be about one long line, so each is made ready once. */
function shownLines(texts: ValidationResult['texts']): (item: Diagnostic) => string | undefined {
  const lines = new Map<string, string[] | undefined>();
  const made = new Map<string, string>();
  return ({ file, line, path }) => {
    if (!lines.has(file)) lines.set(file, texts.get(file)?.split('\n'));
    const excerpt = lines.get(file)?.[line - 1];
    if (excerpt === undefined || excerpt.trim() === '') return undefined;
    const key = JSON.stringify([file, line, isSecretPointer(path) ? path : '']);
    const known = made.get(key) ?? maskLine(clean(excerpt.replace(/\r$/, '')), path);
    made.set(key, known);
    return known;
  };
}

/** @param against the settings that a plan was checked against, where it is about these */
function block(item: Diagnostic, line: string | undefined, against: string | null, options: TextOptions): string {
  const { bold, red, yellow, blue } = palette(options.color);
  const { columns, labelled, widthOf } = laidOut(options);
  const loud = item.severity === 'warning' ? yellow : red;
  const head = `${bold(`${item.file}:${item.line}:${item.column}:`)} ${loud(item.severity)}: ${bold(clean(item.message))} ${blue(`[${item.rule}]`)}`;
  const lines = labelled('', head, columns);
  const gutter = ' '.repeat(String(item.line).length);
  if (line !== undefined) {
    const { shown, from, length } = window(line, item, Math.min(widest, Math.max(20, columns - gutter.length - 6)));
    lines.push(blue(` ${gutter} |`), `${blue(` ${item.line} |`)} ${shown}`);
    const marked = Math.max(1, widthOf(shown.slice(from, from + length)));
    lines.push(`${blue(` ${gutter} |`)} ${blank(shown.slice(0, from), widthOf)}${loud('^'.repeat(marked))}`);
  }
  const note = (word: string, what: string): void =>
    void lines.push(...labelled(`${blue(` ${gutter} =`)} ${bold(`${word}:`)} `, what, columns));
  if (item.suggestion !== null) note('did you mean', clean(item.suggestion));
  if (item.allowed.length > 0) note('allowed', clean(orList(item.allowed)));
  if (against !== null) note('settings', clean(against));
  note('help', clean(item.remedy));
  return `${lines.join('\n')}\n`;
}

/** Spaces as wide as the text on a terminal. Tabs stay. */
const blank = (text: string, widthOf: (part: string) => number): string =>
  text
    .split('\t')
    .map((part) => ' '.repeat(widthOf(part)))
    .join('\t');

const widest = 140;

/** The part of a long line that matters, and where in it the underlining begins and how long it is. */
function window(line: string, item: Diagnostic, width: number): { shown: string; from: number; length: number } {
  const from = Math.min(item.column - 1, line.length);
  const end = item.end_line > item.line ? line.trimEnd().length : item.end_column - 1;
  const length = Math.max(1, Math.min(end, line.length) - from);
  if (line.length <= width) return { shown: line, from, length };
  const start = Math.max(0, Math.min(from - 40, line.length - width));
  const cut = (start > 0 ? '…' : '') + line.slice(start, start + width) + (start + width < line.length ? '…' : '');
  const at = from - start + (start > 0 ? 1 : 0);
  return { shown: cut, from: at, length: Math.max(1, Math.min(length, cut.length - at)) };
}

/** Nothing from a file may steer the terminal. */
const clean = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

function summary({ diagnostics, files }: ValidationResult, options: TextOptions): string {
  const { bold, red, yellow, green } = palette(options.color);
  const { columns, labelled } = laidOut(options);
  const looked = `${count(files.length, 'file')} checked`;
  const settings = usedSettings(files)
    .flatMap((line) => labelled('  ', line, columns))
    .map((line) => `${line}\n`)
    .join('');
  if (diagnostics.length === 0) return `${green('valid:')} ${looked}, nothing to complain about\n${settings}`;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const warned = count(diagnostics.length - errors.length, 'warning');
  if (errors.length === 0) return `${green('valid:')} ${looked}, ${bold(yellow(warned))}\n${settings}`;
  const wrong = new Set(errors.map((item) => item.file)).size;
  const also = errors.length < diagnostics.length ? `, ${warned}` : '';
  return `${bold(red(count(errors.length, 'error')))} in ${count(wrong, 'file')}${also}; ${looked}\n${settings}`;
}

/** Against which settings the plans were checked, and which settings no plan here uses. */
function usedSettings(files: ValidationResult['files']): string[] {
  const plans = files.filter((file) => file.settings !== undefined);
  if (plans.length === 0) return [];
  const groups = Map.groupBy(plans, ({ settings }) => settings ?? null);
  const broken = new Set(files.filter((file) => file.kind === 'settings' && !file.valid).map(({ file }) => file));
  const unused = files.filter(({ file, kind }) => kind === 'settings' && !groups.has(file)).map(({ file }) => file);
  return [
    ...[...groups].map(([settings, group]) => {
      const names = some(group.map(({ file }) => file));
      if (settings === null) return `without settings: ${names} (no sendense.yaml beside them or above)`;
      return `with ${clean(settings)}${broken.has(settings) ? ', not compared because of its errors' : ''}: ${names}`;
    }),
    ...(unused.length > 0 ? [`for no plan here: ${some(unused)}`] : []),
  ];
}

const some = (files: readonly string[]): string =>
  files.length > 5 ? `${clean(files.slice(0, 3).join(', '))} and ${files.length - 3} more` : clean(files.join(', '));

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
