import { ruleNames } from '../../../schemas/retention-rules.ts';
import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HubPruneRequest, PruneOutput } from '../../../schemas/types.ts';
import { beginOnce, beginRun, repeatHeader, startErrors } from '../acts/begin.ts';
import { askerOf } from '../asker.ts';
import { defineRoute, type HubParts } from '../route.ts';

const body = { schema: 'hub/prune-start.json', bytes: 64 * 1024 } as const;
const common = { method: 'POST', tag: 'repositories', right: 'keep', body, patient: true } as const;
const refusals = [
  'plan.unknown',
  'point.unknown',
  'repository.unusable',
  'usage',
  'plan.invalid',
  'run.crashed',
] as const;

export const previewPrune = defineRoute<HubPruneRequest>({
  ...common,
  id: 'previewPrune',
  path: '/api/v1/prunes/preview',
  summary: 'What stays and what goes, restore point by restore point',
  description: 'As `sendense-run prune --dry-run`. Nothing is removed.',
  changes: false,
  answers: { 200: { description: 'What stays, what goes, and what is merged.', schema: 'output/prune.json' } },
  errors: refusals,
  handle: async (call) =>
    (await call.parts.askCommand([...wordsOf(call), '--dry-run'], askerOf(call), {
      answersWith: [1, 3],
    })) as PruneOutput,
});

export const startPrune = defineRoute<HubPruneRequest>({
  ...common,
  id: 'startPrune',
  path: '/api/v1/prunes',
  fresh: true,
  summary: 'Remove restore points that no rule keeps, or that are named',
  description: 'As `sendense-run prune --yes`, by a run of kind `prune`. Say `plan`, `retention` or `points`.',
  headers: repeatHeader,
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, ...refusals],
  logOf: ({ plan, repository, vms, points }) => ({
    ...(plan !== undefined && { plan }),
    ...(repository !== undefined && { repository }),
    ...(vms && { vms: vms.slice(0, 20).join(' ') }),
    ...(points && { backup_id: points.slice(0, 20).join(' ') }),
  }),
  handle: async (call) =>
    await beginOnce(call, 'startPrune', async () => beginRun(call, { plan: null, words: [...wordsOf(call), '--yes'] })),
});

/** @throws SendenseError `plan.unknown`, `request.invalid` */
function wordsOf({ parts, body: asked }: Call<HubParts, HubPruneRequest>): string[] {
  const { plan, repository, vms = [], identity, retention, points = [] } = asked;
  if ([plan, retention, asked.points].filter((way) => way !== undefined).length !== 1)
    throw new SendenseError('request.invalid', 'say one of plan, retention and points', { details: { field: 'plan' } });
  const { minAge, timezone } = retention ?? {};
  const said = { 'plan': plan && parts.hub.acts.plan(plan).file, repository, identity, 'min-age': minAge, timezone };
  return [
    'prune',
    ...Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...vms.map((vm) => `--vm=${vm}`),
    ...points.map((point) => `--point=${point}`),
    ...ruleNames.flatMap((rule) => (retention?.[rule] === undefined ? [] : [`--keep-${rule}=${retention[rule]}`])),
  ];
}
