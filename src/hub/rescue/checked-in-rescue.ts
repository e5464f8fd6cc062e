import type { CheckOutput } from '../../schemas/types.ts';
import { keyWays, type Rescue } from './rescue.ts';

type Finding = CheckOutput['findings'][number];

/**
 * The findings of a check as they are in a rescue: there is no database that could lack something, and what was refused when the
 * rescue began is an error of its own where the check says nothing of it.
 */
export function checkedInRescue(output: CheckOutput, { refused }: Pick<Rescue, 'refused'>): CheckOutput {
  const findings = output.findings.flatMap((finding) => asInRescue(finding, output.findings, refused));
  return { ...output, ok: findings.every(({ severity }) => severity !== 'error'), findings };
}

function asInRescue(finding: Finding, all: readonly Finding[], refused: ReadonlyMap<string, string>): Finding[] {
  const { code, backup_id: id, path } = finding;
  if (code === 'key.missing') return [{ ...finding, remedy: keyWays }];
  if (code === 'file.leftover' || code === 'file.unowned')
    return [
      {
        ...finding,
        remedy: 'A rescue only reads and does not need the file. The hub that owns the repository removes it.',
      },
    ];
  if (code !== 'database.missing') return [finding];
  if (all.some((other) => other.severity === 'error' && other.backup_id === id)) return [];
  const why = refused.get(path) ?? 'it was made after the rescue began';
  return [
    {
      ...finding,
      severity: 'error',
      code: 'manifest.damaged',
      message: `${path} is left out: ${why}`,
      remedy: 'Restore its files from a copy of the repository.',
    },
  ];
}
