/** A line of two texts that are compared. */
export interface DiffLine {
  /** In which of the two it is. */
  readonly side: 'both' | 'old' | 'new';
  readonly text: string;
}

/** More pairs of lines than this are not compared one by one: the texts have little in common then. */
const mostPairs = 4_000_000;

/** What it takes to make one text of the other, line by line. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  return [
    ...old.slice(0, start).map(line('both')),
    ...between(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...old.slice(old.length - end).map(line('both')),
  ];
}

const line =
  (side: DiffLine['side']) =>
  (text: string): DiffLine => ({ side, text });

/** By the longest lines that both have in the same order. */
function between(old: readonly string[], now: readonly string[]): DiffLine[] {
  if (old.length * now.length > mostPairs) return [...old.map(line('old')), ...now.map(line('new'))];
  const width = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  const at = (a: number, b: number): number => longest[a * width + b] ?? 0;
  for (let a = old.length - 1; a >= 0; a--)
    for (let b = now.length - 1; b >= 0; b--)
      longest[a * width + b] = old[a] === now[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
  const found: DiffLine[] = [];
  let [a, b] = [0, 0];
  while (a < old.length || b < now.length) {
    if (a < old.length && b < now.length && old[a] === now[b]) {
      found.push({ side: 'both', text: old[a++] ?? '' });
      b++;
    } else if (b >= now.length || (a < old.length && at(a + 1, b) >= at(a, b + 1)))
      found.push({ side: 'old', text: old[a++] ?? '' });
    else found.push({ side: 'new', text: now[b++] ?? '' });
  }
  return found;
}

/** Lines that are the same, in a row, and far from any that is not, are left out: null stands for them. */
export function nearChanges(lines: readonly DiffLine[], around = 3): (DiffLine | null)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(({ side }) => side !== 'both'),
  );
  return lines.flatMap((one, index) => (near[index] ? [one] : index === 0 || near[index - 1] ? [null] : []));
}
