import type { Finding } from '../../errors/findings/finding.ts';

/** Rules for what stays, or the names of what goes: one of the two. The plan may still have mistakes of form. */
export function pruneFindings(plan: Readonly<Record<string, unknown>>): Finding[] {
  if (plan['kind'] !== 'prune') return [];
  const [rules, named] = [plan['retention'] !== undefined, plan['remove'] !== undefined];
  if (rules !== named) return [];
  return rules
    ? [
        {
          rule: 'prune/what',
          at: { path: ['remove'], part: 'key' },
          message: 'the plan has `retention` and `remove`; it can have one of them',
        },
      ]
    : [{ rule: 'prune/what', at: { path: [] }, message: 'the plan has neither `retention` nor `remove`' }];
}
