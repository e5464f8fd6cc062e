import { createIndexShelf, type IndexShelf } from '../../blocks/index-shelf.ts';
import { createJudgedImages, type JudgedImages } from '../../repository/own-image.ts';

/**
 * What was looked at of one VM a moment ago. A restore point needs all that it is built on: without this, each one of a chain would read
 * the whole chain again. Used by one examination at a time.
 */
export interface LookedAt extends AsyncDisposable {
  readonly images: JudgedImages;
  readonly indexes: IndexShelf;
}

export function createLookedAt(): LookedAt {
  const indexes = createIndexShelf();
  return { images: createJudgedImages(), indexes, [Symbol.asyncDispose]: () => indexes[Symbol.asyncDispose]() };
}

/** Of so many VMs it is kept: more than are worked on at once. */
const mostKept = 8;

/** {@link LookedAt} of each VM, as long as it was used not long ago. */
export interface LookedAtOfVms extends AsyncDisposable {
  /** Of one VM one at a time. */
  use<T>(context: string, act: (lookedAt: LookedAt) => Promise<T>): Promise<T>;
}

export function createLookedAtOfVms(): LookedAtOfVms {
  const kept = new Map<string, LookedAt>();
  const busy = new Set<string>();
  const forget = async (most: number): Promise<void> => {
    for (const [context, lookedAt] of kept) {
      if (kept.size <= most || busy.has(context)) continue;
      kept.delete(context);
      await lookedAt[Symbol.asyncDispose]();
    }
  };
  return {
    async use(context, act) {
      const lookedAt = kept.get(context) ?? createLookedAt();
      // The one that was used last stands last.
      kept.delete(context);
      kept.set(context, lookedAt);
      busy.add(context);
      try {
        return await act(lookedAt);
      } finally {
        busy.delete(context);
        await forget(mostKept);
      }
    },
    [Symbol.asyncDispose]: () => forget(0),
  };
}
