import { createCipheriv, hash } from 'node:crypto';

/**
 * The seed of this run of the tests: that of the environment (`SEED=42 npm test`), or one that `vitest.config.ts` made up. `test/run.ts`
 * prints it at the start, and again at the end of a run that failed.
 */
export const seed = Number(process.env['SEED'] ?? 0);

/** Numbers and bytes that follow from the seed and a name alone, so that a failure can be had again with `SEED=…`. */
export interface Random {
  /** A whole number, at least `from` and below `to`. */
  int(from: number, to: number): number;
  /** At least 0, below 1. */
  part(): number;
  chance(probability: number): boolean;
  bytes(length: number): Buffer;
}

/** Where this is in the run: the test file, and how often each name was asked for there. */
let place = '';
let asked = new Map<string, number>();

/** What comes after this follows from the seed and the file, not from the files before it. */
export function beginFile(file: string): void {
  place = file;
  asked = new Map();
}

/** @param name of what it is for; asked for again, it gives other numbers */
export function random(name: string): Random {
  const before = asked.get(name) ?? 0;
  asked.set(name, before + 1);
  return numbersOf([seed, place, name, before]);
}

/** Numbers and bytes that follow from the source alone. */
export function numbersOf(source: readonly unknown[]): Random {
  const key = hash('sha256', JSON.stringify(source), 'buffer').subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const bytes = (length: number): Buffer => stream.update(Buffer.alloc(length));
  const part = (): number => bytes(6).readUIntBE(0, 6) / 2 ** 48;
  return {
    bytes,
    part,
    int: (low, high) => low + Math.floor(part() * (high - low)),
    chance: (probability) => part() < probability,
  };
}

/** The same for a test whose course depends on it; says how to have it again. */
export function printedRandom(name: string): Random {
  console.log(`${name}: SEED=${seed} does the same again`);
  return random(name);
}

/** Bytes that fill a disk, a key or a name; what they are does not matter. */
export const randomBytes = (length: number): Buffer => random('bytes').bytes(length);
