import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import type { RestoreWriteOutput } from '../../schemas/types.ts';

type To = Readonly<Record<string, unknown>>;
type TargetType = RestoreWriteOutput['target'];

/** What a schema cannot say about each kind of target. It may still have mistakes of form. */
const checks: { readonly [T in TargetType]: (to: To) => Finding[] } = {
  directory: directoryFindings,
};

/** About a plan's `to`. Where it names no kind, any could have been meant. */
export function targetFindings(to: To): Finding[] {
  const types = Object.keys(checks) as TargetType[];
  const named = types.filter((type) => type in to);
  return (named.length > 0 ? named : types).flatMap((type) => checks[type](to));
}

function directoryFindings(to: To): Finding[] {
  const format = to['format'] ?? 'raw';
  const found: Finding[] = [];
  if (to['subformat'] !== undefined && format !== 'vmdk')
    found.push({
      rule: 'restore/subformat',
      at: { path: ['to', 'subformat'] },
      message: `subformat has no meaning for ${shown(format)}`,
    });
  if (to['thin'] === true && format !== 'qcow2')
    found.push({
      rule: 'restore/thin',
      at: { path: ['to', 'thin'] },
      message: `thin has no meaning for ${shown(format)}`,
    });
  return found;
}
