import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { allocatedBytes } from '../../repository/stored-files/allocated.ts';
import { noKeys, type ImageKeys } from '../../repository/image-keys.ts';
import { manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import { blockedBy } from '../../repository/merge/blocked.ts';
import { intentNames, removeIntent, writeIntent, type MergeChild } from '../../repository/merge/intent.ts';
import { planUnits, type RemovalUnit } from '../../repository/merge/plan-units.ts';
import type { Manifest, MergeIntent } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { advance, type Advanced } from './advance.ts';
import { claimed, finishContext } from './finish-merges.ts';
import { pathsOf } from './merge-disk.ts';
import { lackingSpace, type MergeSpace } from './merge-space.ts';
import { knownPoints, type MergeWork } from './merge-work.ts';
import { prepareUnit, Stays } from './prepare-unit.ts';

/** Removes restore points of one VM, and merges what kept ones need of them. */
export interface RemovalRequest {
  /** Name in the settings. */
  readonly repository: string;
  /** Absolute path. */
  readonly root: string;
  /** Directory of the VM. */
  readonly context: string;
  /** Backup ids. */
  readonly remove: readonly string[];
  /** The run that removes them and may hold the lock of the VM in the repository; default: one of its own. */
  readonly runId?: string | undefined;
  /** Of encrypted images. */
  readonly keys?: ImageKeys | undefined;
  readonly signal?: AbortSignal | undefined;
  log?(message: string): void;
  /** Bytes that are merged and read back. */
  onProgress?(done: number, total: number): void;
}

export interface RemovalResult {
  readonly removed: readonly string[];
  readonly merged: readonly {
    /** The kept restore point. */
    readonly into: string;
    /** The removed ones, newest first. */
    readonly from: readonly string[];
    /** Copied, of all disks. */
    readonly bytes: number;
    readonly direction: 'commit' | 'rebase';
  }[];
  /** What the files of the VM take less on the disk now. */
  readonly freed_bytes: number;
  /** What stays, and why: in use, protected, needed by several, not there. */
  readonly skipped: readonly {
    readonly backup_id: string;
    readonly reason: string;
    /** It does not pass by itself: somebody has to see to it. */
    readonly lasting?: true;
  }[];
}

/**
 * The caller holds the VM's lock. What a kill, a full disk or a signal cuts off stays readable, and `finishMerges` goes on
 * with it.
 * @throws SendenseError `disk.full` where a merge does not fit (all else was done), `repository.damaged`, `content.mismatch`,
 * `run.locked` where another process finishes a removal of the VM
 */
export async function removePoints(state: State, request: RemovalRequest): Promise<RemovalResult> {
  const { repository, context, root, keys = noKeys, signal, runId } = request;
  const work = {
    state,
    vm: { repository, context },
    root,
    keys,
    signal,
    runId,
    log: (message: string) => request.log?.(message),
    progress: (done: number, total: number) => request.onProgress?.(done, total),
  };
  const result = await claimed(work, (claim) => removeAll(claim, request.remove));
  if (result) return result;
  throw new SendenseError('run.locked', `another process removes restore points of VM ${context}`);
}

async function removeAll(work: MergeWork, remove: readonly string[]): Promise<RemovalResult> {
  const { failed } = await finishContext(work);
  const stuck = blockedBy(
    (await knownPoints(work)).all,
    failed.map(({ intent }) => intent),
  );
  const waiting = new Set(await intentNames(work.root, work.vm.context));
  const wanted = new Set(remove);
  const skipped = new Map<string, string>();
  const lasting = new Set<string>();
  const lacking: string[] = [];
  const removed: string[] = [];
  const merged: RemovalResult['merged'][number][] = [];
  let freed = 0;
  for (;;) {
    work.signal?.throwIfAborted();
    const { all } = await knownPoints(work);
    for (const id of wanted) {
      const blocked = stuck.get(id);
      if (blocked !== undefined) skipped.set(id, blocked);
      else if (waiting.has(id)) skipped.set(id, 'a merge into it waits for whoever reads it');
      else if (!all.some((point) => point.backup_id === id)) skipped.set(id, 'there is no such restore point');
    }
    for (const id of skipped.keys()) wanted.delete(id);
    const { units, stays } = planUnits(all, wanted);
    for (const [id, reason] of stays) skipped.set(id, reason);
    for (const id of stays.keys()) wanted.delete(id);
    const [unit] = units;
    if (!unit) break;
    const outcome = await removeUnit(work, unit);
    for (const id of unit.drop) wanted.delete(id);
    if ('stays' in outcome) {
      for (const id of unit.drop) skipped.set(id, outcome.stays);
      if (outcome.lasting) for (const id of unit.drop) lasting.add(id);
      if (outcome.lacking) lacking.push(outcome.stays);
      continue;
    }
    removed.push(...unit.drop);
    freed += outcome.freed;
    merged.push(...outcome.merged);
  }
  const result = {
    removed,
    merged,
    freed_bytes: freed,
    skipped: [...skipped].map(([backup_id, reason]) => ({
      backup_id,
      reason,
      ...(lasting.has(backup_id) ? { lasting: true as const } : {}),
    })),
  };
  if (lacking.length > 0)
    throw new SendenseError('disk.full', `VM ${work.vm.context}: ${lacking.join('; ')}`, { details: { ...result } });
  return result;
}

type UnitOutcome =
  | { readonly stays: string; readonly lacking?: boolean; readonly lasting?: boolean }
  | { readonly freed: number; readonly merged: RemovalResult['merged'] };

async function removeUnit(work: MergeWork, unit: RemovalUnit): Promise<UnitOutcome> {
  const { root, vm, log } = work;
  try {
    const prepared = await prepareUnit(work, unit);
    const { child } = prepared;
    if (child) {
      const manifest = await readManifest(join(root, manifestPath(vm.context, child.backup_id)));
      const space = (await lackingSpace(work, child, manifest)) && (await lackingAfterAll(work, child, manifest));
      if (space)
        return {
          stays: `merging it into ${child.backup_id} needs ${space.needed} bytes, ${space.free} are free`,
          lacking: true,
        };
      log(`${unit.drop.join(', ')}: merged into ${child.backup_id}`);
    } else log(`${unit.drop.join(', ')}: removed`);
    const files = filesOf(work, prepared);
    const before = await allocatedOf(files);
    const advanced = await advance(work, await writeIntent(work.hold, prepared));
    if (advanced.intent.phase === 'prepared') {
      // Somebody came in between; nothing was changed.
      await removeIntent(work.hold, advanced.intent);
      return { stays: advanced.waits ?? '' };
    }
    if (advanced.waits !== null) log(`files that are no longer needed stay for now: ${advanced.waits}`);
    return { freed: before - (await allocatedOf(files)), merged: mergesOf(unit, advanced) };
  } catch (error) {
    if (error instanceof Stays) return { stays: error.message, lasting: !error.passes };
    throw error;
  } finally {
    work.held.forget();
  }
}

/** Of the removal before, something may still be on its way. */
async function lackingAfterAll(work: MergeWork, child: MergeChild, manifest: Manifest): Promise<MergeSpace | null> {
  await work.freed.settled();
  return lackingSpace(work, child, manifest);
}

/** Absolute paths of what a removal changes. */
function filesOf(work: MergeWork, { removed, child, context }: Omit<MergeIntent, 'checksum'>): string[] {
  const gone = removed.flatMap(({ files }) => files.map((file) => join(work.root, context, file)));
  return [...gone, ...(child?.disks ?? []).map((disk) => pathsOf(work, child?.backup_id ?? '', disk).image)];
}

async function allocatedOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map((file) => allocatedBytes(file)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function mergesOf({ drop }: RemovalUnit, { intent: { child }, bytes }: Advanced): RemovalResult['merged'] {
  if (!child) return [];
  const direction = child.disks.some((disk) => disk.direction === 'commit') ? 'commit' : 'rebase';
  return [{ into: child.backup_id, from: drop, bytes, direction }];
}
