import { setTimeout as delay } from 'node:timers/promises';
import type { CuttableLink } from './cuttable-link.ts';

/** What happens to the link when so many bytes have gone over it. */
export interface Mishap {
  readonly atBytes: number;
  readonly what: 'blip' | 'cut' | 'freeze';
  /** How long it lasts, ms. */
  readonly ms: number;
}

/** Does this to the link while something goes over it. Answers how many of them came about; disposing ends it. */
export function sabotage(link: CuttableLink, mishaps: readonly Mishap[]): { done(): number } & AsyncDisposable {
  let done = 0;
  const over = new AbortController();
  const work = async (): Promise<void> => {
    for (const { atBytes, what, ms } of mishaps.toSorted((a, b) => a.atBytes - b.atBytes)) {
      while (!over.signal.aborted && link.sent() < atBytes) await delay(1);
      if (over.signal.aborted) return;
      done++;
      if (what === 'blip') link.blip();
      if (what === 'cut') await link.cut();
      if (what === 'freeze') link.freeze();
      await delay(ms, undefined, { signal: over.signal }).catch(() => {});
      await link.mend();
    }
  };
  const working = work();
  return {
    done: () => done,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await working;
    },
  };
}
