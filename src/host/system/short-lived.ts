import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After so many bytes garbage is looked for; V8 by itself waits for four times as many, however small the rest of the program is. */
const betweenBytes = 16 * 2 ** 20;

type Collect = (options: { readonly type: 'minor' }) => void;
let collect: Collect | null = null;
let waiting = 0;

/** Says that a buffer was made which lives for a moment, so that many of them do not add up. */
export function madeShortLived(bytes: number): void {
  waiting += bytes;
  if (waiting < betweenBytes) return;
  waiting = 0;
  collect ??= garbageCollector();
  collect({ type: 'minor' });
}

function garbageCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
