import type { Finding, Path } from '../../errors/findings/finding.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** What a schema cannot say about a plan that restores disks, restores files, or looks at files. It may still have mistakes of form. */
export function restoreFindings(plan: Mapping): Finding[] {
  if (plan['kind'] !== 'restore') return [];
  const has = (key: string): boolean => plan[key] !== undefined;
  const found: Finding[] = [];
  const useless = (path: Path, why: string): void =>
    void found.push({ rule: 'restore/no-meaning', at: { path }, message: `${path.join('.')} has no meaning ${why}` });
  if (!has('to') && (has('files') || !has('expect')))
    found.push({
      rule: 'restore/to',
      at: { path: [has('files') ? 'files' : 'kind'] },
      message: 'the plan does not say where to: there is no to',
    });
  for (const key of ['exclude', 'overwrite']) if (has(key) && !has('files')) useless([key], 'without files');
  if (has('passphrase') && !has('files') && !has('expect')) useless(['passphrase'], 'without files or expect');
  if (has('disks') && has('files')) useless(['disks'], 'beside files');
  else if (has('disks') && !has('to') && has('expect')) useless(['disks'], 'without to');
  return found;
}
