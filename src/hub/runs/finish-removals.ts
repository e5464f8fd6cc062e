import { errorToJson } from '../../errors/sendense-error.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { RecoverOutput } from '../../schemas/types.ts';
import { finishMerges } from '../../restore-points/merge/finish-merges.ts';
import { clearEverywhere } from '../../restore-points/merge/clear-everywhere.ts';
import type { Services } from '../../steps/services.ts';

type Removals = NonNullable<RecoverOutput['removals']>;

/**
 * Goes on with removals of restore points that were cut off, in every repository that can be reached.
 * @param everywhere also those that the database knows nothing of
 */
export async function finishRemovals(
  { state, settings, repositoryPath, imageKeys }: Services,
  everywhere: boolean,
  signal?: AbortSignal,
): Promise<Removals> {
  const removals: Removals = [];
  for (const repository of Object.keys(settings.repositories)) {
    const root = repositoryPath(repository);
    try {
      if (!(await findRepository(repository, root))) continue;
      const finished = await finishMerges(
        state,
        { name: repository, root },
        { everywhere, keys: () => imageKeys(repository), signal },
      );
      const aside = everywhere ? await clearEverywhere(state, { name: repository, root }, signal) : [];
      if (finished.length + aside.length > 0)
        removals.push({ repository, finished, ...(aside.length > 0 ? { put_aside: aside } : {}), error: null });
    } catch (error) {
      signal?.throwIfAborted();
      removals.push({ repository, finished: [], error: errorToJson(error) });
    }
  }
  return removals;
}
