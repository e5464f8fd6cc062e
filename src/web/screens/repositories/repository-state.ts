import type { HubRepositories } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import type { Look } from '../../design/status-mark.tsx';

export type Repository = HubRepositories['repositories'][number];

/** Share of a file system that is to stay free. */
const nearlyFull = 0.05;

/** What to think of a repository. */
export function repositoryLook({ state, free, total, min_free: minFree, used, quota }: Repository): Look {
  if (state === 'unusable') return { shape: 'cross', tone: 'bad', word: 'unusable' };
  if (state === 'new') return { shape: 'ring', tone: 'idle', word: 'nothing there yet' };
  const full =
    (free !== null && total !== null && (free <= minFree || free / total < nearlyFull)) ||
    (quota !== null && used !== null && used / quota > 1 - nearlyFull);
  return full
    ? { shape: 'triangle', tone: 'warn', word: 'nearly full' }
    : { shape: 'check', tone: 'good', word: 'ready' };
}

/** Bytes of the file system that something else takes. */
export const usedByOthers = ({ used, free, total }: Repository): number =>
  used === null || free === null || total === null ? 0 : Math.max(0, total - free - used);

export const bytesOr = (bytes: number | null, other = ''): string => (bytes === null ? other : formatBytes(bytes));
