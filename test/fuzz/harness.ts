import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { test } from 'vitest';
import { catalogue } from '../../src/errors/catalogue.ts';
import { toSendenseError, type SendenseError } from '../../src/errors/sendense-error.ts';
import { seed as drawn } from '../support/random.ts';
import { all, rounds } from '../support/rounds.ts';
import { watchCase } from './hang-watch.ts';

/** What is held to be too slow or too much memory; generous, since nothing that is sound comes near. Of the processor, not of the clock. */
const mostCaseMs = 4_000;
const mostPeakMiB = 768;
const mostGrowthMiB = 96;
/**
 * `npm test` tries the same cases every time: it says whether a change broke something. `npm run test:all` and `ROUNDS=…` draw new ones:
 * they look for what nobody has found yet.
 */
const seed = all || process.env['ROUNDS'] !== undefined ? drawn : 1;
/** Cases between two looks at what stays in memory. */
const batch = 500;

export interface Fuzzed<T> {
  readonly input: fc.Arbitrary<T>;
  /** Cases in `npm test`; default 60. With `npm run test:all` there are 10,000, `ROUNDS=…` makes another number. */
  readonly few?: number;
  /** What the product takes: tried first, and a mistake of the test where it does not. */
  readonly sound?: readonly T[] | (() => readonly T[]);
  /**
   * Hands the input to the product and throws where what comes of it is not sound. {@link judge} says what may be thrown.
   * @returns whether it was taken, where there are `sound` ones
   */
  attempt(input: T): unknown;
}

/** A test that hands many hostile inputs to one way into the product: no crash, no hang, no memory beyond a bound. */
export function fuzz<T>(name: string, { input, few = 60, sound = [], attempt }: Fuzzed<T>): void {
  const numRuns = rounds(few, 10_000);
  const body = async (): Promise<void> => {
    const began = process.cpuUsage();
    for (const one of typeof sound === 'function' ? sound() : sound)
      if ((await attempt(one)) !== true) throw failure(one, 'it is sound, and was refused');
    const memory = memoryBounds(name);
    let number = 0;
    const property = fc.asyncProperty(input, async (one) => {
      number++;
      if (String(number) === process.env['FUZZ_CASE']) console.log(`case ${number}:`, one);
      const cpuMs = async (): Promise<number> => {
        using watch = watchCase(`case ${number} of “${name}”, SEED=${seed}`);
        await attempt(one);
        return watch.cpuMs();
      };
      // The first to need a module loads it, which is nothing of the case; what is slow is slow twice.
      const first = await cpuMs();
      const took = first > mostCaseMs ? await cpuMs() : first;
      if (took > mostCaseMs) throw new Error(`it took ${Math.round(took)} ms of the processor`);
      memory.afterCase();
      if (number % batch === 0) memory.afterBatch();
    });
    const found = await fc.check(property, { numRuns, seed });
    if (!found.failed && number < numRuns) throw new Error(`only ${number} of ${numRuns} cases were tried`);
    if (found.failed) throw failure(found.counterexample?.[0], `path ${found.counterexamplePath}`, found.errorInstance);
    memory.afterBatch();
    const { user, system } = process.cpuUsage(began);
    console.log(`${name}: ${number} cases in ${((user + system) / 1e6).toFixed(1)} s of the processor, SEED=${seed}`);
  };
  test(`${name}`, body, all ? 3_600_000 : 120_000);
}

/** What came of an input: it was taken, or refused with an error that is in the catalogue. */
export type Verdict<T> =
  | { readonly accepted: T; readonly refused?: never }
  | { readonly refused: SendenseError; readonly accepted?: never };

/** @throws what the product threw where that is none of its errors, or its own word for a fault of its own */
export async function judge<T>(act: () => T | Promise<T>): Promise<Verdict<T>> {
  try {
    return { accepted: await act() };
  } catch (error) {
    const refused = toSendenseError(error);
    if (refused.code === 'run.internal' || !Object.hasOwn(catalogue, refused.code)) throw error;
    return { refused };
  }
}

/** Bytes as text. */
function readable(input: unknown): unknown {
  if (input instanceof Uint8Array) return Buffer.from(input).toString('latin1');
  if (Array.isArray(input)) return input.map(readable);
  if (typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, readable(value)]));
}

/** @param input what fails, as small as it could be made */
function failure(input: unknown, where: string, cause?: unknown): Error {
  const shown = readable(input);
  const text = typeof shown === 'string' ? JSON.stringify(shown) : inspect(shown, { depth: 8, breakLength: 160 });
  const why = cause instanceof Error ? `${cause.message.slice(0, 600)}: ` : '';
  return new Error(`SEED=${seed}, ${where}: ${why}${text.slice(0, 6000)}`, { cause });
}

function memoryBounds(name: string): { afterCase(): void; afterBatch(): void } {
  const peakMiB = (): number => process.resourceUsage().maxRSS / 1024;
  let stays = heldMiB();
  let cases = 0;
  let peak = peakMiB();
  return {
    afterCase() {
      const now = peakMiB();
      if (now - peak > mostPeakMiB) throw new Error(`it took ${Math.round(now - peak)} MiB`);
      peak = now;
    },
    afterBatch() {
      const now = heldMiB();
      // What the first batch leaves is compiled code and caches.
      if (cases++ === 0) stays = now;
      else if (now - stays > mostGrowthMiB)
        throw new Error(`“${name}” keeps ${Math.round(now - stays)} MiB that nobody needs any more`);
    },
  };
}

let collect: (() => void) | undefined;

function heldMiB(): number {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
