import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatedVm } from './simulated-vm.ts';
import { random } from '../../support/random.ts';

export interface BusyGuest extends AsyncDisposable {
  /** How many writes so far. */
  readonly writes: number;
}

/** A guest that goes on writing random bytes all over a disk until disposed of. */
export function busyGuest(
  vm: SimulatedVm,
  disk: number,
  options: { maxBytes?: number; pauseMs?: number } = {},
): BusyGuest {
  const capacity = vm.disks[disk]?.capacity ?? 0;
  const maxBytes = Math.min(options.maxBytes ?? 65536, capacity);
  const numbers = random(`guest of ${vm.name}, disk ${disk}`);
  let writes = 0;
  const stop = new AbortController();
  const going = (async () => {
    while (!stop.signal.aborted) {
      const data = numbers.bytes(numbers.int(1, maxBytes + 1));
      await vm.write(disk, numbers.int(0, capacity - data.length + 1), data);
      writes++;
      await delay(options.pauseMs ?? 1);
    }
  })();
  return {
    get writes() {
      return writes;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await going;
    },
  };
}
