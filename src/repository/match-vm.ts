/**
 * Whether a VM's name fits a pattern of a plan (`$defs/vmPatterns`): `*` stands for any characters, `?` for one. Takes
 * time in proportion to both lengths multiplied, whatever the pattern.
 */
export function matchesVm(name: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place++;
      resume = at;
    } else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === name[at])) {
      place++;
      at++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[place] === '*') place++;
  return place === pattern.length;
}

/** The names that any of the patterns fits, and the patterns that fit none; without patterns all of them. */
export function selectVms(
  names: readonly string[],
  patterns: readonly string[] | undefined,
): { readonly names: string[]; readonly unmatched: string[] } {
  if (patterns === undefined) return { names: [...names], unmatched: [] };
  return {
    names: names.filter((name) => patterns.some((pattern) => matchesVm(name, pattern))),
    unmatched: patterns.filter((pattern) => !names.some((name) => matchesVm(name, pattern))),
  };
}
