import { createRequire } from 'node:module';
import { startFile } from '../schemas/package.ts';

/** Most text is this, ASCII and the signs of `style.ts`, one column each; a list of ten thousand restore points measures it often. */
const plain = /^[ -~·–…│├└─◆◇●○█░✔✘⚠↩⠀-⣿]*$/;

/** Columns that a text takes on a terminal, colour codes aside: two for most East Asian letters and emoji, none for a combining accent. */
export function widthOf(text: string): number {
  const shown = text.includes(colourStart) ? text.replaceAll(colour, '') : text;
  return plain.test(shown) ? shown.length : (allWidths ??= loadWidths())(shown);
}

const colourStart = '\u001b[';
// eslint-disable-next-line no-control-regex
const colour = /\u001b\[[\d;]*m/g;

let allWidths: ((text: string) => number) | undefined;

function loadWidths(): (text: string) => number {
  const file = startFile('view/all-widths');
  return (createRequire(file)(file) as { readonly default: (text: string) => number }).default;
}

/** Made where a text needs it: it takes 10 ms. */
let segmenter: Intl.Segmenter | undefined;

/** What a reader sees as one character each: a letter with its accents, an emoji of several code points. */
function lettersOf(text: string): string[] {
  if (plain.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** How many of the letters fit. */
function fitting(letters: readonly string[], width: number): number {
  let used = 0;
  const end = letters.findIndex((letter) => (used += widthOf(letter)) > width);
  return end < 0 ? letters.length : end;
}

/** The beginning of a plain text that takes no more columns than `width`. */
export function cut(text: string, width: number): string {
  const letters = lettersOf(text);
  return letters.slice(0, fitting(letters, width)).join('');
}

export const padEnd = (text: string, width: number): string => text.padEnd(width + text.length - widthOf(text));
export const padStart = (text: string, width: number): string => text.padStart(width + text.length - widthOf(text));

/** Breaks plain text at spaces; a word that is longer than a line (a path) stays whole, so that it can be copied. */
export const wrap = (text: string, width: number): string[] =>
  text.split('\n').flatMap((paragraph) => flow(paragraph.split(' '), width));

/** Pieces with a space between them, as many on a line as fit. A piece may be coloured, and is not broken. */
export function flow(pieces: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line !== '' && widthOf(line) + 1 + widthOf(piece) > width) {
      lines.push(line);
      line = piece;
    } else {
      line = line === '' ? piece : `${line} ${piece}`;
    }
  }
  return [...lines, line];
}

/** As {@link wrap}, but no line is longer: a word that is (a path, a URI) goes on in the next line. */
export const fit = (text: string, width: number): string[] =>
  wrap(text, width).flatMap((line) => (widthOf(line) > width ? broken(line, width) : [line]));

/** Where a long word is best broken: behind one of these. */
const seams = /[/,:=]/;

function broken(word: string, width: number): string[] {
  const lines: string[] = [];
  let rest = lettersOf(word);
  for (let most = fitting(rest, width); most < rest.length; most = fitting(rest, width)) {
    const seam = rest.findLastIndex((letter, index) => index < most && index > most / 4 && seams.test(letter));
    const end = seam < 0 ? Math.max(1, most) : seam + 1;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(end);
  }
  return [...lines, rest.join('')];
}

/** Takes out the middle where a text is too long: of an id both ends are compared. */
export function shortened(text: string, width: number, { unicode }: { readonly unicode: boolean }): string {
  if (widthOf(text) <= width) return text;
  const letters = lettersOf(text);
  const mark = unicode ? '…' : '...';
  const kept = Math.max(2, width - mark.length);
  const head = letters.slice(0, fitting(letters, Math.ceil(kept / 2)));
  const behind = letters.toReversed();
  const tail = behind.slice(0, fitting(behind, Math.floor(kept / 2))).reverse();
  return head.join('') + mark + tail.join('');
}

/** Wrapped text behind a label: the label stands before the first line, the others are indented by as much. */
export const labelled = (label: string, text: string, columns: number): string[] =>
  behind(label, wrap(text, roomBeside(label, columns)));

/** As {@link labelled}, but no line is longer than `columns`. */
export const fitted = (label: string, text: string, columns: number): string[] =>
  behind(label, fit(text, roomBeside(label, columns)));

/** As {@link labelled}, for pieces that may be coloured and are not broken. */
export const flowed = (label: string, pieces: readonly string[], columns: number): string[] =>
  behind(label, flow(pieces, roomBeside(label, columns)));

/** A word of a command to copy, as a shell wants it. Nothing of ours goes through a shell. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`;

/** A command to copy: where it does not fit in a line it goes on in the next one as a shell understands it. */
export function command(label: string, words: readonly string[], columns: number): string[] {
  const lines = flow(words, roomBeside(label, columns) - 2);
  return behind(
    label,
    lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line)),
  );
}

/** Names with what they are: beside each other, or the text below its name where that leaves little room. Names may be coloured. */
export function described(rows: readonly (readonly [name: string, text: string])[], columns: number): string[] {
  const width = widest(rows.map(([name]) => name));
  const beside = columns - width - 2 >= leastBeside;
  return rows.flatMap(([name, text]) =>
    beside ? labelled(`${padEnd(name, width)}  `, text, columns) : [name, ...labelled('      ', text, columns)],
  );
}

const leastBeside = 24;

const roomBeside = (label: string, columns: number): number => Math.max(20, columns - widthOf(label));

const behind = (label: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => (index === 0 ? label : ' '.repeat(widthOf(label))) + line);

/** Rows as aligned columns, two spaces apart; columns named in `right` are aligned to the right. A cell is one line. */
export function table(cells: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const rows = cells.map((row) => row.map(inOneLine));
  const sizes = rows.map((row) => row.map(widthOf));
  const widths: number[] = [];
  for (const row of sizes) row.forEach((size, index) => (widths[index] = Math.max(widths[index] ?? 0, size)));
  const isRight = widths.map((_, index) => right.includes(index));
  return rows.map((row, at) => {
    let line = '';
    for (let index = 0; index < row.length; index++) {
      const gap = ' '.repeat((widths[index] ?? 0) - (sizes[at]?.[index] ?? 0));
      const cell = row[index] ?? '';
      line += (index === 0 ? '' : '  ') + (isRight[index] ? gap + cell : cell + gap);
    }
    return line.trimEnd();
  });
}

/**
 * As {@link table}; where that is wider than `columns`, the last cells of each row stand in lines of their own below it.
 * @returns the lines of each row
 */
export function foldedTable(
  rows: readonly (readonly string[])[],
  columns: number,
  right: readonly number[] = [],
): string[][] {
  const whole = table(rows, right);
  if (widest(whole) <= columns) return whole.map((line) => [line]);
  let kept = Math.max(...rows.map((row) => row.length)) - 1;
  const head = (): string[] =>
    table(
      rows.map((row) => row.slice(0, kept)),
      right,
    );
  while (kept > 1 && widest(head()) > columns) kept--;
  return head().map((line, index) => {
    const rest = (rows[index] ?? []).slice(kept).flatMap((cell) => (cell === '' ? [] : inOneLine(cell)));
    const spaced = rest.map((cell, place) => (place < rest.length - 1 ? `${cell} ` : cell));
    return [line, ...(rest.length > 0 ? flowed('    ', spaced, columns).map((below) => below.trimEnd()) : [])];
  });
}

const inOneLine = (text: string): string => (text.includes('\n') ? text.replace(/\r?\n\s*/g, ' ') : text);

export const widest = (lines: readonly string[]): number =>
  lines.reduce((most, line) => Math.max(most, widthOf(line)), 0);

/** Control characters, and those that turn the direction of what follows or end a line unseen. */
const steering =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g;

/** What comes from outside (tools, nodes, plans) must not steer the terminal. Its lines stay lines: for what indents them, as {@link labelled} does. */
export const printableText = (text: string): string => text.replace(steering, '?');

/** {@link printableText} in one line, so that what comes from outside begins no line of its own among ours. */
export const printable = (text: string): string => printableText(text.replace(/\r?\n\s*/g, ' '));

/** The colours of `style.ts`, and no others. */
// eslint-disable-next-line no-control-regex
const colours = /(\u001b\[(?:[1-4]|2[2-4]|3[1-79]|9[0-7]|1;97;41|22;39;49)m)/;

/** {@link printableText} of a text that has our colours already. */
export const harmless = (text: string): string =>
  /^[ -~\n]*$/.test(text)
    ? text
    : text
        .split(colours)
        .map((part, at) => (at % 2 === 1 ? part : printableText(part)))
        .join('');

/** {@link printable} of all texts in a value. */
export function printableIn<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map(printableIn) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, printableIn(inner)])) as T;
}
