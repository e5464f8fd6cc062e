/**
 * Fits names to a shell pattern: `*`, `?`, `[a-z]`, `[!a]`, and a backslash before what stands for itself. A range that ends before it
 * begins fits nothing. Source: fnmatch(3). The time grows with the length of the pattern times that of the name, whatever they are:
 * whoever wrote a disk has chosen its names.
 */
export function shellPattern(pattern: string, { ignoreCase = false } = {}): (name: string) => boolean {
  const flags = ignoreCase ? 'isu' : 'su';
  const [first = '', ...others] = piecesOf(pattern);
  const last = others.pop();
  if (last === undefined) {
    const whole = new RegExp(`^${first}$`, flags);
    return (name) => whole.test(name);
  }
  const begin = new RegExp(`^${first}`, flags);
  const between = others.filter((piece) => piece !== '').map((piece) => new RegExp(piece, `${flags}g`));
  const end = new RegExp(`${last}$`, `${flags}g`);
  return (name) => {
    let at = begin.exec(name)?.[0].length;
    // The first place that fits leaves the most for what follows: no other one is tried.
    for (const piece of between) at = at === undefined ? undefined : endOf(piece, name, at);
    return at !== undefined && endOf(end, name, at) !== undefined;
  };
}

/** Where the first piece ends that fits from a place on. */
function endOf(piece: RegExp, name: string, from: number): number | undefined {
  piece.lastIndex = from;
  return piece.test(name) ? piece.lastIndex : undefined;
}

/** What stands between the stars, each as a regular expression of a fixed number of letters. */
function piecesOf(pattern: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  const letters = [...pattern];
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? '';
    const end = letter === '[' ? letters.indexOf(']', at + 2) : -1;
    if (letter === '*') {
      pieces.push(piece);
      piece = '';
    } else if (letter === '?') piece += '.';
    else if (end > 0) {
      piece += classOf(letters.slice(at + 1, end));
      at = end;
    } else piece += quoted(letter === '\\' && at + 1 < letters.length ? (letters[++at] ?? '') : letter);
  }
  return [...pieces, piece];
}

function classOf(letters: readonly string[]): string {
  const negated = letters[0] === '!' || letters[0] === '^';
  let body = '';
  for (let at = negated ? 1 : 0; at < letters.length; at++) {
    const from = letters[at] ?? '';
    const to = letters[at + 1] === '-' ? letters[at + 2] : undefined;
    if (to === undefined) body += inClass(from);
    else {
      at += 2;
      if ((from.codePointAt(0) ?? 0) <= (to.codePointAt(0) ?? 0)) body += `${inClass(from)}-${inClass(to)}`;
    }
  }
  return `[${negated ? '^' : ''}${body}]`;
}

const quoted = (letter: string): string => letter.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`);
const inClass = (letter: string): string => letter.replaceAll(/[\\\]^-]/gu, String.raw`\$&`);
