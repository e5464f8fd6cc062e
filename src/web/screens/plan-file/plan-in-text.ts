import type { HubPlan } from '../../../schemas/types.ts';

const wordIn = (text: string, key: string): string | undefined =>
  new RegExp(`^${key}:[ \\t]+(["']?)([A-Za-z0-9][\\w.-]*)\\1[ \\t]*(?:#.*)?$`, 'm').exec(text)?.[2];

/** The plan of a text; undefined: its name stands in no line of its own. The hub has checked the text that was saved. */
export function planInText(text: string): Pick<HubPlan, 'plan' | 'kind'> | undefined {
  const plan = wordIn(text, 'name');
  return plan === undefined ? undefined : { plan, kind: (wordIn(text, 'kind') ?? null) as HubPlan['kind'] };
}
