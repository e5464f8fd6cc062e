import type { RestoreRun } from './target-kind.ts';

/** Tells how far the copy of a disk is. @param total its size, bytes @returns to be called with the fraction that is done, from 0 to 1 */
export function copyProgress(
  run: Pick<RestoreRun, 'progress'>,
  disk: string,
  total: number,
): (fraction: number) => void {
  const started = performance.now();
  return (fraction) => {
    const done = Math.round(fraction * total);
    const rate = Math.round((done * 1000) / (performance.now() - started + 1));
    run.progress([{ disk, phase: 'copying', bytes_done: done, bytes_total: total, rate }]);
  };
}
