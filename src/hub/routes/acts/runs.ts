import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { isBackupKind } from '../../../plan/backup-kinds.ts';
import { isVmPattern } from '../../../plan/plan-kinds.ts';
import type { RunCancelOutput, RunStartRequest, VerifyStartRequest } from '../../../schemas/types.ts';
import { rightToRun } from '../../access/rights.ts';
import { mayKnow } from '../list-answer.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { askerOf } from '../asker.ts';
import { assertFreshFor, assertMayRun, beginOnce, beginRun, repeatHeader, runOf, startErrors } from './begin.ts';
import { startablePlan } from './startable-plan.ts';

export const runPlan = defineRoute<RunStartRequest>({
  id: 'runPlan',
  method: 'POST',
  path: '/api/v1/plans/{name}/runs',
  tag: 'plans',
  summary: 'Run a plan now',
  description:
    'As `sendense-run run FILE`, or as `sendense-run schedule run PLAN` where it has a schedule. Plans that restore or boot take the right `restore`, those that prune or keep take `keep`. What prunes, restores or boots takes a fresh password.',
  right: 'look',
  vms: 'heeded',
  params: { name: { description: 'Name of the plan.', logAs: 'plan' } },
  headers: repeatHeader,
  body: { schema: 'hub/run-start.json', bytes: 4096 },
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, 'access.right', 'access.stale'],
  patient: true,
  async handle(call) {
    const { name = '' } = call.params;
    return await beginOnce(call, `runPlan ${name}`, async () => {
      const plan = await startablePlan(call.parts, name);
      assertMayRun(call, plan);
      assertFreshFor(call, plan);
      const { mode } = call.body;
      if (mode !== undefined && !isBackupKind(plan.kind))
        throw new SendenseError('request.invalid', `a plan of kind ${plan.kind} has no mode`, {
          details: { field: 'mode' },
        });
      return await beginRun(call, runOf(plan, mode));
    });
  },
});

export const cancelRun = defineRoute({
  id: 'cancelRun',
  method: 'POST',
  path: '/api/v1/runs/{id}/cancel',
  tag: 'runs',
  summary: 'Ask a run to stop and clean up',
  description:
    'As Ctrl-C at its terminal. Asking again does nothing more, and neither does asking a run that has ended. A restore point that is open is closed by `DELETE /api/v1/restore/{id}`. It takes the right `operate`, or the one that running its plan takes.',
  right: 'look',
  vms: 'heeded',
  params: { id: { description: 'Id of the run.', logAs: 'run_id' } },
  answers: { 202: { description: 'What became of it.', schema: 'hub/run-cancelled.json' } },
  errors: ['run.unknown', 'run.elsewhere', 'access.right'],
  async handle({ parts, params, caller, answer }): Promise<RunCancelOutput> {
    const id = params['id'] ?? '';
    const run = parts.hub.pages.factsOfRun(id);
    if (!run || !mayKnow(caller, run.vm)) throw new SendenseError('run.unknown', `there is no run ${id}`);
    const right = rightToRun(run.kind);
    if (!caller.rights.has('operate') && !caller.rights.has(right))
      throw new SendenseError(
        'access.right',
        `${caller.name} has no right to ${right}${right === 'operate' ? '' : ', nor to operate'}`,
        {
          details: { right },
        },
      );
    const state = parts.hub.acts.cancelRun(id, caller.name);
    answer.header('location', `/api/v1/runs/${id}`);
    return { version: 1, run_id: id, state };
  },
});

export const verifyPoints = defineRoute<VerifyStartRequest>({
  id: 'verifyPoints',
  method: 'POST',
  path: '/api/v1/verifications',
  tag: 'backups',
  summary: 'Read restore points and compare them with what was committed',
  description: 'As `sendense-run verify`. The run tells the result of each restore point.',
  right: 'operate',
  vms: 'heeded',
  headers: repeatHeader,
  body: { schema: 'hub/verify-start.json', bytes: 64 * 1024 },
  logOf: ({ repository, vms, point }) => ({
    repository,
    ...(vms && { vms: vms.slice(0, 20).join(' ') }),
    ...(point !== undefined && { point }),
  }),
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, 'access.right', 'point.unknown'],
  patient: true,
  handle: async (call) =>
    await beginOnce(call, 'verifyPoints', async () => beginRun(call, { plan: null, words: verifyWords(call) })),
});

export const previewVerification = defineRoute<VerifyStartRequest>({
  id: 'previewVerification',
  method: 'POST',
  path: '/api/v1/verifications/preview',
  tag: 'backups',
  summary: 'Which restore points a verification would read',
  description: 'As `sendense-run verify --dry-run`. Nothing is read.',
  right: 'operate',
  vms: 'heeded',
  changes: false,
  body: { schema: 'hub/verify-start.json', bytes: 64 * 1024 },
  answers: { 200: { description: 'Its steps.', schema: 'output/plan.json' } },
  errors: ['access.right', 'point.unknown', 'plan.invalid', 'usage', 'run.crashed'],
  patient: true,
  handle: async (call): Promise<object> =>
    await call.parts.askCommand([...verifyWords(call), '--dry-run'], askerOf(call)),
});

/** @throws SendenseError `access.right` */
function verifyWords({ body, caller }: Pick<Call<HubParts, VerifyStartRequest>, 'body' | 'caller'>): string[] {
  const { repository, vms = [], point, level, points, rate, files = false, boot } = body;
  // The run of several would be none that this caller may see, and a pattern may stand for other VMs than those that it is allowed.
  const [vm, ...others] = vms;
  if (!caller.allVms && (vm === undefined || others.length > 0 || isVmPattern(vm) || !caller.mayVm(vm)))
    throw new SendenseError('access.right', `${caller.name} has the right to operate for some VMs only`, {
      remedy: 'Name one VM that you have the right to: `vms`.',
    });
  const said = { repository, point, level, points, rate, serial: boot?.serial, accel: boot?.accel };
  return [
    'verify',
    ...vms.map((name) => `--vm=${name}`),
    ...Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...(files ? ['--files'] : []),
    ...(boot ? ['--boot'] : []),
    ...(boot?.agent === true ? ['--agent'] : []),
  ];
}
