import { toSendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { noKeys } from '../../repository/image-keys.ts';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import type { State } from '../../state/database/open-state.ts';
import { lockHolder } from '../../state/runs/locks.ts';
import { claimed } from './finish-merges.ts';
import { clearUnfinished, unfinishedFiles } from './unfinished-files.ts';

/**
 * Puts aside what hubs that are gone have begun and nobody can commit any more, of every VM on which nobody works.
 * @returns the files, relative to the repository
 */
export async function clearEverywhere(
  state: State,
  repository: { readonly name: string; readonly root: string },
  signal?: AbortSignal,
): Promise<string[]> {
  const { root } = repository;
  const cleared: string[] = [];
  for (const context of await contextsIn(root)) {
    signal?.throwIfAborted();
    const vm = { repository: repository.name, context };
    if (lockHolder(state, `${repository.name}/${context}`, isRunning)?.alive === true) continue;
    if ((await unfinishedFiles({ state, vm, root, signal }, 'left')).length === 0) continue;
    try {
      const request = { state, vm, root, keys: noKeys, signal, log: () => undefined, progress: () => undefined };
      cleared.push(...((await claimed(request, (work) => clearUnfinished(work, 'left'))) ?? []));
    } catch (error) {
      // Another hub works on the VM, and what is begun there is its.
      if (toSendenseError(error).code !== 'run.locked') throw error;
    }
  }
  return cleared;
}
