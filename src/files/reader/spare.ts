import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { slots } from '../protocol.ts';
import { kindsFor } from './kinds/choose-kind.ts';
import type { ReaderKind } from './kinds/kind.ts';
import { startReader, type Reader } from './start-reader.ts';

/** A reader that has started and waits for a restore point, so that nobody waits for its start. */
export interface Spare extends AsyncDisposable {
  /** The one that waits, if it has room for so many disks, or a new one. The caller disposes of it. */
  take(disks: number): Promise<Reader>;
  /** Starts one that waits from now on. */
  prepare(): void;
}

/**
 * @param folder private; readers have folders of their own in it
 * @param kind name of the way to read; default: the best that this machine has
 */
export function createSpare(folder: string, kind?: string): Spare {
  let waiting: Promise<Reader> | null = null;
  let count = 0;
  const startAs = async (one: ReaderKind, room: number): Promise<Reader> => {
    const own = join(folder, `r${++count}`);
    await mkdir(own, { mode: 0o711 });
    try {
      const reader = await startReader({ kind: one, folder: own, slots: room });
      return {
        ...reader,
        async [Symbol.asyncDispose]() {
          await reader[Symbol.asyncDispose]();
          await rm(own, { recursive: true, force: true });
        },
      };
    } catch (error) {
      await rm(own, { recursive: true, force: true });
      throw error;
    }
  };
  // One whose programs are all there need not start.
  const start = async (room: number): Promise<Reader> => {
    const kinds = kindsFor(kind);
    let found = startAs(kinds[0], room);
    for (const other of kinds.slice(1)) found = found.catch(() => startAs(other, room));
    return found;
  };
  const spare: Spare = {
    prepare() {
      if (waiting) return;
      const one = start(slots);
      waiting = one;
      // One that died while it waited is of no use.
      const forget = (): void => {
        if (waiting === one) waiting = null;
      };
      one.then(({ gone }) => gone).then(forget, forget);
    },
    async take(disks) {
      if (disks > slots) return start(disks);
      const ready = waiting;
      waiting = null;
      return ready ?? start(slots);
    },
    async [Symbol.asyncDispose]() {
      const ready = waiting;
      waiting = null;
      await (await ready?.catch(() => null))?.[Symbol.asyncDispose]();
    },
  };
  return spare;
}
