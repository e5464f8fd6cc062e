/** A shell pattern: `*`, `?`, `[a-z]`, `[!a]`, and a backslash before what stands for itself. Source: fnmatch(3). */
export function regexOf(pattern: string): string {
  let regex = '';
  const letters = [...pattern];
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? '';
    const end = letter === '[' ? letters.indexOf(']', at + 2) : -1;
    if (letter === '*') regex += '.*';
    else if (letter === '?') regex += '.';
    else if (end > 0) {
      regex += classOf(letters.slice(at + 1, end));
      at = end;
    } else regex += quoted(letter === '\\' && at + 1 < letters.length ? (letters[++at] ?? '') : letter);
  }
  return regex;
}

function classOf(letters: readonly string[]): string {
  const negated = letters[0] === '!' || letters[0] === '^';
  const body = (negated ? letters.slice(1) : letters)
    .map((letter) => (/[\]\\^]/u.test(letter) ? `\\${letter}` : letter))
    .join('');
  return `[${negated ? '^' : ''}${body}]`;
}

const quoted = (letter: string): string => letter.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`);
