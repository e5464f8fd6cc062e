import { createHash } from 'node:crypto';
import { tryToHold, untilOneIsFree } from '../held-name.ts';
import { forThisUser } from '../held-places.ts';

export interface HostSlotOptions {
  /** Name of the ESXi host. */
  readonly host: string;
  /** Slots that there are. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once where all are taken. */
  readonly onWait?: () => void;
}

/**
 * One of the host's slots, over all jobs of this user on this machine; waits for one. A slot is
 * a name that only one process can hold (`held-name.ts`), and is free the moment its owner ends, however that ends.
 * @throws the signal's reason
 */
export async function takeHostSlot(options: HostSlotOptions): Promise<AsyncDisposable> {
  const { host, limit, signal, onWait } = options;
  const names = Array.from({ length: Math.max(1, limit) }, (_, number) => slotName(host, number));
  const place = forThisUser();
  for (let waited = false; ; waited = true) {
    for (const name of names) {
      signal?.throwIfAborted();
      const slot = await tryToHold(name, place);
      if (slot) return slot;
    }
    if (!waited) onWait?.();
    await untilOneIsFree(names, place, signal);
  }
}

const slotName = (host: string, number: number): string =>
  `slot-${createHash('sha256').update(host.toLowerCase()).digest('hex').slice(0, 32)}-${number}`;
