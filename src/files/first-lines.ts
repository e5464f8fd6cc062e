/** Lines that a program says, of which only the first are kept. */
export interface FirstLines {
  add(text: string): void;
  /** Whole lines; the last one says how many came after them, also where that was said before. Empty ones do not count. */
  all(): string[];
  /** The last line, also where it is not kept. */
  last(): string;
}

/** Longest line, letters: of a longer one the middle is left out, for what is wrong stands at its end. */
const longest = 2048;
const ends = { first: 512, last: 1024 } as const;

const moreSaid = /^and (\d{1,15}) more$/;

function shortened(line: string): string {
  if (line.length <= longest) return line;
  return `${line.slice(0, ends.first)}…${line.slice(-ends.last)}`;
}

/** @param most bytes of UTF-8 that are kept */
export function firstLines(most: number): FirstLines {
  const kept: string[] = [];
  let room = most;
  let more = 0;
  let rest = '';
  let last = '';
  const take = (line: string): void => {
    if (line === '') return;
    last = line;
    const bytes = Buffer.byteLength(line);
    const before = moreSaid.exec(line)?.[1];
    if (before !== undefined) more += Number(before);
    else if (more === 0 && bytes < room) {
      room -= bytes + 1;
      kept.push(line);
    } else more++;
  };
  return {
    add(text) {
      const lines = text.split('\n');
      lines[0] = rest + (lines[0] ?? '');
      rest = shortened(lines.pop() ?? '');
      for (const line of lines) take(shortened(line));
    },
    all() {
      take(rest);
      rest = '';
      return more === 0 ? [...kept] : [...kept, `and ${more} more`];
    },
    last: () => rest || last,
  };
}
