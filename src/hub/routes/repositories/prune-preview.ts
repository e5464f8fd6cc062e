import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HubPrunePreview, PruneOutput } from '../../../schemas/types.ts';
import type { StartablePlan } from '../../acts/acts.ts';
import type { Inquiry } from '../../acts/inquiries.ts';
import { inquired } from '../inquired.ts';
import { mayKnow } from '../list-answer.ts';
import { defineRoute, type HubParts } from '../route.ts';

const params = { name: { description: 'Name of the plan.', logAs: 'plan' } } as const;

export const previewPlanPrune = defineRoute({
  id: 'previewPlanPrune',
  method: 'POST',
  path: '/api/v1/plans/{name}/prune-preview',
  tag: 'repositories',
  right: 'operate',
  vms: 'heeded',
  summary: 'What the retention of a plan would remove now, and what that would free',
  description:
    'As `sendense-run prune --plan FILE --dry-run`. Nothing is removed. `Location` leads to the answer. One that goes on is not begun again.',
  params,
  changes: false,
  answers: { 202: { description: 'It goes on.', schema: 'hub/prune-preview.json' } },
  errors: ['plan.unknown', 'node.limited'],
  async handle(call): Promise<HubPrunePreview> {
    const { plan, file } = knownPlan(call);
    const begun = call.parts.inquiries.begin({
      kind: 'prune',
      about: plan,
      words: ['prune', `--plan=${file}`, '--dry-run'],
      caller: call.caller,
      reduce: (output) => reduced(output as PruneOutput),
    });
    call.answer.status(202);
    call.answer.header('location', `/api/v1/plans/${encodeURIComponent(plan)}/prune-preview`);
    return previewOf(plan, begun);
  },
});

export const showPlanPrune = defineRoute({
  id: 'showPlanPrune',
  method: 'GET',
  path: '/api/v1/plans/{name}/prune-preview',
  tag: 'repositories',
  right: 'look',
  vms: 'heeded',
  summary: 'What the last preview of a prune has found',
  params,
  answers: { 200: { description: 'The preview.', schema: 'hub/prune-preview.json' } },
  errors: ['plan.unknown'],
  quiet: true,
  async handle(call): Promise<HubPrunePreview> {
    const { plan } = knownPlan(call);
    return previewOf(plan, call.parts.inquiries.last('prune', plan));
  },
});

/** @throws SendenseError `plan.unknown` also where the caller may not know of its VM */
function knownPlan({
  parts,
  params: { name = '' },
  caller,
}: Pick<Call<HubParts>, 'parts' | 'params' | 'caller'>): StartablePlan {
  const plan = parts.hub.acts.plan(name);
  if (mayKnow(caller, plan.vm)) return plan;
  throw new SendenseError('plan.unknown', `the hub knows no plan ${name}`, { details: { field: 'name' } });
}

type Points = PruneOutput['vms'][number]['points'];

const stays = (points: Points): number => points.filter(({ keep }) => keep).length;

type Result = NonNullable<HubPrunePreview['result']>;

/** How many restore points stay and go, without naming each. */
function reduced({ repository, freed, unmatched, vms: all }: PruneOutput): Result {
  const vms = all.map(({ vm, error, remarks, points, freed: own }) => ({
    vm,
    stay: stays(points),
    go: points.length - stays(points),
    freed: own,
    error: error?.message ?? null,
    remarks,
  }));
  const sum = (of: 'stay' | 'go'): number => vms.reduce((total, vm) => total + vm[of], 0);
  return { repository, freed, stay: sum('stay'), go: sum('go'), unmatched, vms };
}

const previewOf = (plan: string, inquiry: Inquiry | undefined): HubPrunePreview => ({
  version: 1,
  plan,
  ...inquired(inquiry),
  result: (inquiry?.output ?? null) as Result | null,
});
