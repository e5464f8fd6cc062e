/** Hides secrets in a text that comes in pieces. What `add` answers can be shown; `end` answers what it held back. */
export interface Mask {
  add(text: string): string;
  end(): string;
}

/** Read from the start of a text, so that no part of a secret shows wherever the pieces are cut. */
export function maskSecrets(secrets: readonly string[]): Mask {
  // Longer ones first, for one may begin with another.
  const longestFirst = secrets.filter((secret) => secret !== '').toSorted((a, b) => b.length - a.length);
  const longest = longestFirst[0]?.length ?? 0;
  if (longest === 0) return { add: (text) => text, end: () => '' };
  const any = new RegExp(longestFirst.map((secret) => RegExp.escape(secret)).join('|'), 'g');
  let rest = '';
  const take = (final: boolean): string => {
    let shown = '';
    let at = 0;
    for (const { index, 0: found } of rest.matchAll(any)) {
      // With more text it could be a longer one.
      if (!final && index + longest > rest.length) break;
      shown += `${rest.slice(at, index)}***`;
      at = index + found.length;
    }
    const upTo = final ? rest.length : Math.max(at, rest.length - longest + 1);
    shown += rest.slice(at, upTo);
    rest = rest.slice(upTo);
    return shown;
  };
  return {
    add: (text) => ((rest += text), take(false)),
    end: () => take(true),
  };
}
