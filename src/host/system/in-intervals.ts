/** Work that is wanted often and done at most once in an interval, ms: at once at first, later at the interval's end, and never after it was disposed of. */
export function inIntervals(intervalMs: number, work: () => void): { wanted(): void } & Disposable {
  let done = -Infinity;
  let timer: NodeJS.Timeout | null = null;
  const act = (): void => {
    timer = null;
    done = performance.now();
    work();
  };
  return {
    wanted: () => {
      if (timer !== null) return;
      const wait = done + intervalMs - performance.now();
      if (wait <= 0) act();
      else timer = setTimeout(act, wait);
    },
    [Symbol.dispose]: () => clearTimeout(timer ?? undefined),
  };
}
