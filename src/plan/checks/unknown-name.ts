import type { Finding, Path } from '../../errors/findings/finding.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { shown } from '../../errors/findings/words.ts';

/** A name in a plan that the settings do not have; nothing where they have it. */
export function unknownName(
  what: 'repository' | 'node' | 'source',
  name: string,
  known: readonly string[],
  path: Path,
): Finding[] {
  if (known.includes(name)) return [];
  const message = `the settings have no ${what} ${shown(name)}`;
  return [
    {
      rule: `settings/unknown-${what}`,
      at: { path, part: 'value' },
      message,
      allowed: known,
      suggestion: didYouMean(name, known),
    },
  ];
}
