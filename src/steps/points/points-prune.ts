import { join } from 'node:path';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { manifestPath } from '../../repository/layout.ts';
import { removePoints, type RemovalResult } from '../../restore-points/merge/remove-points.ts';
import { lockedBy } from '../../repository/vm-lock/hold-vm.ts';
import { findRepository } from '../../repository/open-repository.ts';
import { decideVm, type PrunedVm } from '../../restore-points/prune/decide-vm.ts';
import type { PlannedEffect, PointsPruneInput, PointsPruneOutput, PruneOutput } from '../../schemas/types.ts';
import { acquireLock, lockHolder, releaseLock } from '../../state/runs/locks.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { setStuckPrune } from '../../state/points/stuck-prunes.ts';
import { contextsOf } from '../../state/points/vm-disks.ts';
import { defineStep } from '../define-step.ts';
import { tryHoldPoints } from '../../restore-points/hold/hold-points.ts';
import { previewPrune } from '../../restore-points/prune/preview.ts';
import { assertGoing, refuseStays } from '../../restore-points/prune/named-points.ts';
import { pruneTarget, zoneOf } from '../../restore-points/prune/target.ts';
import type { Services } from '../services.ts';

type Context = StepContext<Services>;
type PrunedOutput = PointsPruneOutput['vms'][number];

/**
 * Nothing is undone: a removal that was cut off is rolled forward by the next recovery, for it can only be finished.
 */
export const pointsPrune = defineStep<PointsPruneInput, null, PointsPruneOutput>({
  uses: 'points.prune',
  title: 'Prune restore points',
  claim: () => null,

  async plan({ services, signal }, input) {
    const preview = await previewPrune(services, input, { signal });
    return { effects: preview.vms.flatMap((vm) => effectsOf(services, preview, vm)), notes: notesOf(preview) };
  },

  /** After a backup: the restore point that it will make is counted. */
  async planPartly({ services, signal }, { repository, vms, retention, timezone = null }) {
    if (repository === undefined || retention == null) return { effects: [] };
    if (!(await findRepository(repository, services.repositoryPath(repository)))) return { effects: [] };
    const input = { repository, retention, timezone, ...(vms ? { vms } : {}) };
    const known = new Set(contextsOf(services.state, repository));
    if (vms && !vms.some((vm) => known.has(vm))) return { effects: [] };
    const preview = await previewPrune(services, input, { signal, withNext: true });
    return {
      effects: preview.vms.flatMap((vm) => effectsOf(services, preview, vm)),
      notes: notesOf(preview, ', and the new one'),
    };
  },

  async run(context, input) {
    const { vms, unmatched } = await pruneTarget(context.services, input);
    for (const pattern of unmatched) context.warn(`no VM of repository ${input.repository} is called ${pattern}`);
    if (vms.length === 0 && unmatched.length === 0 && isByRules(input))
      context.warn(`the database knows no restore point of repository ${input.repository}`);
    const outputs: PrunedOutput[] = [];
    const errors: SendenseError[] = [];
    for (const vm of vms) {
      context.signal.throwIfAborted();
      try {
        const output = await pruneLocked(context, input, vm);
        if (output) outputs.push(output);
      } catch (error) {
        context.signal.throwIfAborted();
        errors.push(toSendenseError(error));
        if (isByRules(input)) trouble(context, vm, toSendenseError(error).message);
      }
      context.alive();
    }
    report(context, errors, vms.length);
    return {
      removed: outputs.flatMap(({ removed }) => removed),
      freed_bytes: outputs.reduce((sum, output) => sum + output.freed_bytes, 0),
      vms: outputs,
    };
  },
});

/** Whether a policy decides what goes, and nobody who has named it and waits for an answer. */
const isByRules = ({ retention }: PointsPruneInput): boolean => retention != null;

/** What went wrong with one VM did not stop the others; now it counts. */
function report(context: Context, errors: readonly SendenseError[], vms: number): void {
  const [first] = errors;
  if (!first) return;
  if (vms === 1) throw first;
  for (const error of errors) context.warn(error.message);
  throw new SendenseError('prune.failed', `${errors.length} of ${vms} VMs could not be pruned: ${first.message}`, {
    cause: first,
  });
}

/** Null: another run works on the VM, which is no failure. */
async function pruneLocked(context: Context, input: PointsPruneInput, vm: PrunedVm): Promise<PrunedOutput | null> {
  const { state } = context.services;
  const lock = `${vm.repository}/${vm.context}`;
  // The run that made a backup of the VM holds its lock already, and goes on holding it.
  const ours = lockHolder(state, lock, isRunning)?.runId === context.runId;
  const taken = acquireLock(state, lock, context.runId, isRunning);
  if (!taken.acquired) {
    const { runId, alive } = taken.holder;
    const why = alive
      ? `run ${runId} works on it`
      : `run ${runId} died and was not cleaned up: \`sendense-run recover\``;
    const message = `VM ${vm.context} was not pruned, for ${why}`;
    if (!isByRules(input)) throw new SendenseError('run.locked', message);
    context.warn(message);
    trouble(context, vm, message);
    return null;
  }
  try {
    const { runId, signal, log } = context;
    const held = await tryHoldPoints(state, { root: vm.root, context: vm.context, run: runId, signal, log });
    if ('owner' in held) {
      if (!isByRules(input)) throw lockedBy(vm, held.owner);
      const message = `VM ${vm.context} was not pruned, for ${lockedBy(vm, held.owner).message}`;
      context.warn(message);
      trouble(context, vm, message);
      return null;
    }
    await using _hold = held.hold;
    return await pruneVm(context, input, vm);
  } finally {
    if (!ours) releaseLock(state, lock, context.runId);
  }
}

async function pruneVm(context: Context, input: PointsPruneInput, vm: PrunedVm): Promise<PrunedOutput> {
  const { services, signal } = context;
  const decision = await decideVm(services.state, vm, {
    retention: input.retention ?? null,
    remove: input.remove,
    now: Date.now(),
    timezone: zoneOf(input),
    identity: input.identity,
  });
  const { new_point: made } = input;
  if (made && !decision.points.some(({ backup_id: id }) => id === made))
    throw new SendenseError('prune.refused', `restore point ${made}, which this run has made, is not in the list`);
  for (const remark of decision.remarks) context.warn(`VM ${vm.context}: ${remark}`);
  for (const what of decision.unfinished) {
    context.warn(`VM ${vm.context}: ${what}`);
    if (isByRules(input)) trouble(context, vm, what);
  }
  const named = new Set(isByRules(input) ? [] : input.remove);
  assertGoing(decision.planned, named);
  const remove = decision.planned.filter(({ keep }) => !keep).map(({ id }) => id);
  const kept = decision.planned.length - remove.length;
  if (remove.length === 0) {
    setStuckPrune(services.state, vm, null, Date.now());
    return { vm: vm.context, removed: [], merged: [], kept, skipped: [], freed_bytes: 0 };
  }
  const result = await removePoints(services.state, {
    ...vm,
    runId: context.runId,
    remove,
    keys: await services.imageKeys(vm.repository),
    signal,
    log: (message) => context.log(`${vm.context}: ${message}`),
    onProgress: (done, total) =>
      context.progress([{ disk: vm.context, phase: 'merge', bytes_done: done, bytes_total: total, rate: 0 }]),
  });
  if (isByRules(input)) tellOfSkipped(context, vm, result.skipped);
  else refuseStays(result.skipped.map(({ backup_id: id, reason }) => ({ id, reasons: [reason] })));
  return {
    vm: vm.context,
    removed: [...result.removed],
    merged: [...new Set(result.merged.map(({ into }) => into))],
    kept: decision.planned.length - result.removed.length,
    skipped: result.skipped.map(({ backup_id, reason }) => ({ backup_id, reason })),
    freed_bytes: result.freed_bytes,
  };
}

/** What passes by itself is for the log; all else would keep every restore point for ever, and nobody would know. */
function tellOfSkipped(context: Context, vm: PrunedVm, skipped: RemovalResult['skipped']): void {
  for (const { backup_id: id, reason, lasting = false } of skipped)
    if (!lasting) context.log(`${vm.context}: ${id} stays for now: ${reason}`);
  const lasting = skipped.filter((one) => one.lasting);
  for (const [reason, points] of Map.groupBy(lasting, (one) => one.reason)) {
    const ids = points.map(({ backup_id: id }) => id).join(', ');
    const message = `VM ${vm.context}: ${ids} ${points.length === 1 ? 'stays' : 'stay'} although no rule keeps ${points.length === 1 ? 'it' : 'them'}: ${reason}`;
    context.warn(message);
    trouble(context, vm, message);
  }
  const [first] = lasting;
  const found = first ? { points: lasting.length, reason: first.reason } : null;
  setStuckPrune(context.services.state, vm, found, Date.now());
}

function trouble({ services, planName, runId }: Context, vm: PrunedVm, message: string): void {
  const { repository, context } = vm;
  raiseNotice(services.state, { event: 'prune-trouble', plan: planName, vm: context, repository, runId, message });
}

function effectsOf(
  services: Services,
  { repository }: PruneOutput,
  { vm, points }: PruneOutput['vms'][number],
): PlannedEffect[] {
  const root = services.repositoryPath(repository);
  return points
    .filter(({ keep }) => !keep)
    .map(({ backup_id: id, merges }) => ({
      action: 'remove',
      target: join(root, manifestPath(vm, id)),
      detail: merges[0] ? `restore point, merged into ${merges[0].into}` : 'restore point',
      argv: null,
    }));
}

function notesOf({ vms, unmatched, repository }: PruneOutput, more = ''): string[] {
  return [
    ...unmatched.map((pattern) => `no VM of repository ${repository} is called ${pattern}`),
    ...vms.flatMap(({ vm, error, points, remarks }) => [
      error
        ? `VM ${vm} would not be pruned: ${error.message}`
        : `VM ${vm}: ${points.filter(({ keep }) => keep).length} of ${points.length} restore ${points.length === 1 ? 'point stays' : 'points stay'}${more}`,
      ...remarks,
    ]),
  ];
}
