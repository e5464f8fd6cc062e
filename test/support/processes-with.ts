import { readdirSync, readFileSync } from 'node:fs';

/** Processes that have all of these words in their command line. */
export const processesWith = (...words: readonly string[]): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const own = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.every((word) => own.includes(word));
      } catch {
        return false;
      }
    })
    .map(Number);
