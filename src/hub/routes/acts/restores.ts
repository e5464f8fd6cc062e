import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../../api/paging.ts';
import type { Call } from '../../../api/route.ts';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { HubRestore, HubRestoreRequest, HubRestores, HubRestoreTargets } from '../../../schemas/types.ts';
import type { MadePlan } from '../../acts/restore-plan.ts';
import { mayKnow, seesOf, shared } from '../list-answer.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { askerOf } from '../asker.ts';
import { assertFresh, beginOnce, beginRun, repeatHeader, startErrors } from './begin.ts';

const pages: PageRules = { usual: 50, most: 200, place: ['number', 'text'] };
const body = { schema: 'hub/restore-start.json', bytes: 64 * 1024 } as const;
const refusals = ['point.unknown', 'target.not-allowed', 'access.right'] as const;

/** @throws SendenseError `point.unknown`, `access.right`, and as `Acts.restorePlan` */
async function planFor({ parts, caller, body: asked }: Call<HubParts, HubRestoreRequest>): Promise<MadePlan> {
  if (!caller.mayVm(asked.vm))
    throw new SendenseError('point.unknown', `VM ${asked.vm} has no restore points`, { details: { field: 'vm' } });
  const made = await parts.hub.acts.restorePlan(asked);
  const { receiver } = made;
  if (receiver !== null && !caller.allVms && (receiver.name === null || !caller.mayVm(receiver.name)))
    throw new SendenseError('access.right', `${caller.name} has no right to change the VM ${receiver.named}`, {
      remedy: 'Name a VM that you may see, by its name or path.',
    });
  return made;
}

/** What a run would fail with at once. @throws SendenseError `point.unknown`, `vm.identity` */
async function assertPoint({ hub }: HubParts, wanted: MadePlan['wanted']): Promise<void> {
  try {
    await hub.choose(wanted);
  } catch (error) {
    // All else the run judges: it knows which disks are wanted.
    if (['point.unknown', 'vm.identity'].includes(toSendenseError(error).code)) throw error;
  }
}

const kindOfTarget = ({ to }: HubRestoreRequest): string => Object.keys(to).slice(0, 20).join(' ').slice(0, 200);

export const previewRestore = defineRoute<HubRestoreRequest>({
  id: 'previewRestore',
  method: 'POST',
  path: '/api/v1/restores/preview',
  tag: 'backups',
  summary: 'What a restore would do, step by step',
  description: 'As `sendense-run restore VM --dry-run`. Nothing is written.',
  right: 'restore',
  vms: 'heeded',
  changes: false,
  body,
  answers: { 200: { description: 'Its steps.', schema: 'output/plan.json' } },
  errors: [...refusals, 'plan.invalid', 'run.crashed'],
  patient: true,
  async handle(call): Promise<object> {
    const { text, file } = await planFor(call);
    return await call.parts.askCommand(['plan', `--as=${file}`, '-'], askerOf(call), { input: text });
  },
});

export const startRestore = defineRoute<HubRestoreRequest>({
  id: 'startRestore',
  method: 'POST',
  path: '/api/v1/restores',
  tag: 'backups',
  summary: 'Restore disks, or a whole VM',
  description:
    'As `sendense-run restore VM`. Folders and devices of the hub must lie below one of `hub: restoreTo`. What overwrites a device or starts a VM takes a fresh password.',
  right: 'restore',
  vms: 'heeded',
  headers: repeatHeader,
  body,
  logOf: (asked) => ({
    vm: asked.vm,
    point: asked.point ?? 'latest',
    target: kindOfTarget(asked),
  }),
  answers: { 202: { description: 'The restore has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, ...refusals, 'vm.identity', 'access.stale'],
  patient: true,
  handle: async (call) =>
    await beginOnce(call, 'startRestore', async () => {
      const { text, file, plan, wanted, risk } = await planFor(call);
      if (risk !== null) assertFresh(call, risk);
      await assertPoint(call.parts, wanted);
      const run = { plan: null, words: ['run', `--as=${file}`, '-'], input: text };
      return await beginRun(call, run, async (started) => ({ ...started, plan }));
    }),
});

export const listRestores = defineRoute({
  id: 'listRestores',
  method: 'GET',
  path: '/api/v1/restores',
  tag: 'backups',
  summary: 'Restores, newest first',
  right: 'look',
  vms: 'heeded',
  query: { vm: { description: 'Only of this VM.' }, ...pageQuery(pages) },
  answers: { 200: { description: 'A page of them.', schema: 'hub/restores.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listRestores', (sees): HubRestores => {
      const { query, parts } = call;
      const filter = { kind: 'restore', vm: query['vm'], sees };
      const page = pageRequest('restores', query, pages);
      const { entries, next } = parts.hub.pages.runs(filter, page);
      return { version: 1, restores: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const restoreTargets = defineRoute({
  id: 'restoreTargets',
  method: 'GET',
  path: '/api/v1/restores/targets',
  tag: 'backups',
  summary: 'Where restores can go',
  right: 'restore',
  vms: 'none',
  answers: { 200: { description: 'What the settings allow.', schema: 'hub/restore-targets.json' } },
  errors: [],
  handle: async ({ parts }): Promise<HubRestoreTargets> => parts.hub.acts.restoreTargets(),
});

export const showRestore = defineRoute({
  id: 'showRestore',
  method: 'GET',
  path: '/api/v1/restores/{id}',
  tag: 'backups',
  summary: 'How far a restore is, and what it has made',
  description: '`GET /api/v1/runs/{id}` of the same id has its steps; `POST /api/v1/runs/{id}/cancel` ends it.',
  right: 'look',
  vms: 'heeded',
  params: { id: { description: 'Id of its run.', schema: 'domain.json#/$defs/runId', logAs: 'run_id' } },
  answers: { 200: { description: 'The restore.', schema: 'hub/restore.json' } },
  errors: ['run.unknown'],
  quiet: true,
  async handle(call): Promise<HubRestore> {
    const id = call.params['id'] ?? '';
    const found = call.parts.hub.acts.restore(id);
    if (found && (seesOf(call) === undefined || mayKnow(call.caller, found.vm))) return found;
    throw new SendenseError('run.unknown', `there is no restore ${id}`);
  },
});
