import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The dead man's timer of a job: it runs out when nobody asks for the job any more. */
export interface Lease {
  /** Someone has asked. Nothing happens where the job is gone. */
  renew(): Promise<void>;
  /** Whether nobody has asked for so long, s. */
  hasRunOut(seconds: number): Promise<boolean>;
}

/** Renewed more often than this, ms, it is not written again. */
const leastMs = 1000;

/**
 * When a job was last asked for, in a file of its folder, so that a node that is started again knows it. The time is that
 * since the machine started, which no correction of the clock moves; a job does not outlive the machine's end.
 */
export function leaseIn(jobFolder: string): Lease {
  const file = join(jobFolder, 'asked');
  /** How long ago it was asked for, ms; null where that is not known. */
  const age = async (): Promise<number | null> => {
    const asked = Number(await readFile(file, 'utf8').catch(() => ''));
    return asked > 0 ? uptimeMs() - asked : null;
  };
  return {
    async renew() {
      if (((await age()) ?? leastMs) < leastMs) return;
      const part = `${file}.${randomUUID()}`;
      try {
        await writeFile(part, String(uptimeMs()), { mode: 0o600 });
        await rename(part, file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
    hasRunOut: async (seconds) => ((await age()) ?? 0) > seconds * 1000,
  };
}

export const abandonedBecause = (seconds: number): string =>
  `nobody asked for the transfer for ${seconds} s, so it was cancelled`;

const lookMs = 2000;

/** For the client of a job: tells it when its lease has run out, also where no node is there that would. */
export function watchLease(jobFolder: string, seconds: number, onEnd: (why: string) => void): Disposable {
  const lease = leaseIn(jobFolder);
  const look = async (): Promise<void> => {
    if (await lease.hasRunOut(seconds)) onEnd(abandonedBecause(seconds));
  };
  const timer = setInterval(() => void look(), Math.min(lookMs, seconds * 500)).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const uptimeMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
