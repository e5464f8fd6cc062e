import { toSendenseError, type SendenseError } from '../../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import { ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { noKeys, type ImageKeys } from '../../repository/image-keys.ts';
import { intentNames, intentParts, readIntents } from '../../repository/merge/intent.ts';
import type { MergeIntent } from '../../schemas/types.ts';
import { lockHolder } from '../../state/runs/locks.ts';
import { claimMerges, listMerges, releaseMerges } from '../../state/points/merges.ts';
import type { State } from '../../state/database/open-state.ts';
import { holdPoints } from '../hold/hold-points.ts';
import { advance, assertFits } from './advance.ts';
import { createFreedLater } from './freed-later.ts';
import { createHeldAreas } from './held-areas.ts';
import { createMergeThreads } from './merge-threads.ts';
import { clearUnfinished } from './unfinished-files.ts';
import type { MergeRequest, MergeWork } from './merge-work.ts';

export interface FinishOptions {
  /** Looks into every VM's folder; otherwise only at those of which the database knows that something is left. */
  readonly everywhere?: boolean;
  /** Of encrypted images; asked for only where there is something to be finished. */
  keys?(): Promise<ImageKeys>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes on with removals that were cut off. VMs on which a living run works are left to it. A removal whose files somebody
 * reads waits for the next time.
 * @returns the finished ones, as `context/name`
 * @throws SendenseError of the first that cannot go on; the others are done all the same
 */
export async function finishMerges(
  state: State,
  repository: { readonly name: string; readonly root: string },
  options: FinishOptions = {},
): Promise<string[]> {
  const finished: string[] = [];
  const errors: SendenseError[] = [];
  for (const context of await contextsWithMerges(state, repository, options)) {
    options.signal?.throwIfAborted();
    const vm = { repository: repository.name, context };
    // Asked again when restore points would go: a backup that began meanwhile may build on one of them.
    const hindered = (): string | null => {
      const holder = lockHolder(state, `${repository.name}/${context}`, isRunning);
      return holder?.alive ? `run ${holder.runId} works on the VM` : null;
    };
    if (hindered() !== null) continue;
    try {
      const work = { state, vm, root: repository.root, hindered, log: () => undefined, progress: () => undefined };
      const keys = (await intentNames(repository.root, context)).length > 0 ? await options.keys?.() : undefined;
      const done = await claimed({ ...work, keys: keys ?? noKeys, signal: options.signal }, (claim) =>
        finishContext(claim),
      );
      finished.push(...(done?.finished ?? []).map((name) => `${context}/${name}`));
      errors.push(...(done?.failed ?? []).map(({ error }) => error));
    } catch (error) {
      options.signal?.throwIfAborted();
      // Another hub works on the VM, and what is left is its.
      if (toSendenseError(error).code !== 'run.locked') errors.push(toSendenseError(error));
    }
  }
  if (errors[0]) throw errors[0];
  return finished;
}

async function contextsWithMerges(
  state: State,
  { name, root }: { readonly name: string; readonly root: string },
  { everywhere = false }: FinishOptions,
): Promise<string[]> {
  const found = new Set(listMerges(state, name));
  for (const context of everywhere ? await contextsIn(root) : [])
    if ((await intentNames(root, context)).length > 0) found.add(context);
  return [...found].toSorted();
}

/**
 * Does the work while nobody else removes anything of the VM; null: another process of this hub is at it.
 * @throws SendenseError `run.locked` where a process of another hub works on the VM
 */
export async function claimed<T>(work: MergeRequest, act: (work: MergeWork) => Promise<T>): Promise<T | null> {
  const { runId, ...request } = work;
  const { state, vm, root, signal } = request;
  if (claimMerges(state, vm, thisProcess(), isRunning) !== null) return null;
  const folderId = ownFolderId('merge');
  let nothingLeft = false;
  try {
    await using hold = await holdPoints(state, {
      root,
      context: vm.context,
      run: runId ?? folderId,
      signal,
      log: request.log,
    });
    await using freed = createFreedLater();
    await using threads = createMergeThreads(signal);
    const result = await act({ ...request, hold, folderId, threads, held: createHeldAreas(signal), freed });
    // What a kill left before it was an intent.
    for (const part of await intentParts(root, vm.context)) await rm(join(root, vm.context, part), { force: true });
    nothingLeft = (await intentNames(root, vm.context)).length === 0;
    return result;
  } finally {
    try {
      releaseMerges(state, vm, nothingLeft);
    } catch {
      // No space for that: it counts as given back, and what is left is known.
    }
    await removeRunFolder(folderId);
  }
}

/** Goes on with every removal of the VM, after what would hinder any has been put aside. @returns names of those that are done now, and which cannot go on */
export async function finishContext(work: MergeWork): Promise<{
  readonly finished: readonly string[];
  readonly failed: readonly { readonly intent: MergeIntent; readonly error: SendenseError }[];
}> {
  const finished: string[] = [];
  const failed: { intent: MergeIntent; error: SendenseError }[] = [];
  await clearUnfinished(work, 'blocking');
  for (const intent of await readIntents(work.root, work.vm.context)) {
    try {
      await assertFits(work, intent);
      const { waits } = await advance(work, intent);
      if (waits === null) finished.push(intent.name);
    } catch (error) {
      work.signal?.throwIfAborted();
      failed.push({ intent, error: toSendenseError(error) });
    }
  }
  return { finished, failed };
}
