import { readFileSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import type { ErrorOutput } from '../../schemas/types.ts';
import type { Style } from '../style.ts';
import { labelled, printable, printableText, widthOf } from '../text.ts';

/** An error as a person reads it: code and message, the line of the plan that it is about, and the way out. */
export function errorReport(error: ErrorOutput, style: Style, columns: number): string[] {
  const lines = labelled('  error   ', printableText(`${error.code}: ${error.message}`), columns);
  return [
    ...lines.map((line) => style.red(line)),
    ...(error.position && error.code !== 'run.cancelled' ? positionLines(error.position, style) : []),
    ...labelled('  remedy  ', printableText(error.remedy), columns),
  ];
}

let ofAnotherMachine = 0;

/** Until it is disposed of, paths are those of another machine, where nothing is relative to the folder of this process. */
export function pathsOfAnotherMachine(): Disposable {
  ofAnotherMachine++;
  return { [Symbol.dispose]: () => void ofAnotherMachine-- };
}

/** A path as it is shortest to type from here. */
export function shortPath(path: string): string {
  if (!isAbsolute(path) || ofAnotherMachine > 0) return path;
  const short = relative(process.cwd(), path);
  return short !== '' && !short.startsWith('../..') && short.length < path.length ? short : path;
}

function positionLines({ file, line, column }: NonNullable<ErrorOutput['position']>, style: Style): string[] {
  const at = `  at      ${style.bold(`${shortPath(file)}:${line}:${column}`)}`;
  const text = lineOf(file, line);
  if (text === null) return []; // a plan made of a command line, or gone since
  const number = String(line);
  const bar = style.unicode ? '│' : '|';
  const gutter = `          ${style.dim(`${number} ${bar}`)} `;
  const under = `          ${style.dim(`${' '.repeat(number.length)} ${bar}`)} `;
  return [
    at,
    `${gutter}${printable(text)}`,
    `${under}${' '.repeat(widthOf(printable(text.slice(0, Math.max(0, column - 1)))))}${style.red('^')}`,
  ];
}

/** A line of a file, or nothing where it cannot be read: what is reported has long happened. */
function lineOf(file: string, line: number): string | null {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[line - 1]?.replaceAll('\t', ' ') ?? null;
  } catch {
    return null;
  }
}
