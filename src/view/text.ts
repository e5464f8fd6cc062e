// eslint-disable-next-line no-control-regex
const escapes = /\u001b\[[0-9;]*m/g;

/** Columns that a text takes, colour codes aside. */
export const widthOf = (text: string): number => [...text.replace(escapes, '')].length;

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** Breaks plain text at spaces; a word that is longer than a line (a path) stays whole, so that it can be copied. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}

/** Wrapped text behind a label: the label stands before the first line, the others are indented by as much. */
export const labelled = (label: string, text: string, columns: number): string[] => {
  const indent = widthOf(label);
  return wrap(text, Math.max(20, columns - indent)).map(
    (line, index) => (index === 0 ? label : ' '.repeat(indent)) + line,
  );
};

/** Rows as aligned columns, two spaces apart; columns named in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))));
  return rows.map((row) =>
    row
      .map((cell, index) => (right.includes(index) ? padStart : padEnd)(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** What comes from outside (tools, nodes, plans) must not steer the terminal. */
// eslint-disable-next-line no-control-regex
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
