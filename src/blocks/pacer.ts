/** Resolves when so many bytes may be read. @throws the signal's reason */
export type Pace = (bytes: number, signal: AbortSignal) => Promise<void>;

/**
 * Starts tasks one after the other as `pace` allows, never more than `atOnce` at a time: what waited for a slow server
 * must not follow in one rush.
 */
export function createPacer(
  pace: Pace,
  atOnce: number,
  signal: AbortSignal,
): <T>(bytes: number, act: () => Promise<T>) => Promise<T> {
  const running = new Set<Promise<void>>();
  let turn: Promise<unknown> = Promise.resolve();
  return async (bytes, act) => {
    const started = turn.then(async () => {
      while (running.size >= atOnce) await Promise.race(running);
      await pace(bytes, signal);
      const work = act();
      const entry: Promise<void> = work.then(Boolean, () => false).then(() => void running.delete(entry));
      running.add(entry);
      return { work };
    });
    turn = started.catch(() => {});
    return (await started).work;
  };
}
