import { SendenseError } from '../errors/sendense-error.ts';
import type { DiskProgress } from './step.ts';
import { timeLimit } from './time-limit.ts';

export interface StallWatch extends Disposable {
  /** Aborts with `step.stalled`. */
  readonly signal: AbortSignal;
  /** A step lives when a disk appears, changes its phase, or has more bytes done. */
  observe(disks: readonly DiskProgress[]): void;
  /** It lives, although no bytes move. */
  alive(): void;
}

/** Watches the progress of a step; `ms` undefined: never stalls. */
export function stallWatch(step: string, ms: number | undefined): StallWatch {
  const last = new Map<string, { phase: string; bytes: number }>();
  const where = (): string =>
    [...last].map(([disk, { phase, bytes }]) => `${disk} ${phase} at ${bytes} bytes`).join(', ') ||
    'nothing was reported';
  const limit = timeLimit(
    ms,
    () => new SendenseError('step.stalled', `step ${step}: no progress for ${ms} ms (${where()})`),
  );
  return {
    signal: limit.signal,
    observe(disks) {
      let lives = false;
      for (const { disk, phase, bytes_done: bytes } of disks) {
        const before = last.get(disk);
        if (!before || before.phase !== phase || bytes > before.bytes) lives = true;
        last.set(disk, { phase, bytes });
      }
      if (lives) limit.restart();
    },
    alive: () => limit.restart(),
    [Symbol.dispose]: () => limit[Symbol.dispose](),
  };
}
