import type { ServedDisk } from '../../vsphere/transports/transport.ts';

/** A disk that is served before anybody asks for it. */
export interface EarlyDisk extends AsyncDisposable {
  /**
   * Hands it over, once. Where another disk is asked for first it is closed: it counts among the disks that a host bears, and
   * whoever waits for a second one while holding a first may wait for itself.
   */
  take(key: number): Promise<ServedDisk | null>;
}

/** Closing closes it where nobody took it. */
export function earlyDisk(key: number, served: ServedDisk): EarlyDisk {
  let kept: ServedDisk | null = served;
  const letGo = (): ServedDisk | null => {
    const was = kept;
    kept = null;
    return was;
  };
  return {
    take: async (wanted) => {
      const was = letGo();
      if (was === null || wanted === key) return was;
      await was[Symbol.asyncDispose]();
      return null;
    },
    [Symbol.asyncDispose]: async () => letGo()?.[Symbol.asyncDispose](),
  };
}

export const nothingEarly: EarlyDisk = { take: async () => null, [Symbol.asyncDispose]: async () => undefined };
