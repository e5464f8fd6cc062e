import type { Finding, Path } from '../../errors/findings/finding.ts';
import { inTheClear } from '../yaml/in-the-clear.ts';
import { shown } from '../../errors/findings/words.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** What the schema cannot say of a node of sendense.yaml. */
export function nodeFindings(node: Mapping, path: Path): Finding[] {
  const { mode, url, data } = node;
  const isPsk = typeof data === 'object' && data !== null && (data as Mapping)['tls'] === 'psk';
  if (mode !== 'direct' || !isPsk || typeof url !== 'string' || !inTheClear(url)) return [];
  return [
    {
      rule: 'settings/clear-key',
      at: { path: [...path, 'data', 'tls'], part: 'value' },
      message: `the key of node ${shown(path.at(-1))} would go to ${url} in the clear`,
    },
  ];
}
