/**
 * A file that is watched can be gone, empty or cut off for a moment: `git pull` and editors take files away to replace them, and a program
 * that writes one empties it first. What is wrong with a file counts once it has been wrong for so long, ms.
 */
export const usualPatienceMs = 2000;

export interface Patience {
  /** Something is wrong with the file. @returns whether that has lasted; waits from the first call on */
  lasted(file: string): boolean;
  /** Nothing is wrong with it, or it does not matter any more. */
  over(file: string): void;
  /** Nobody waits for other files than these any more. */
  keep(isWanted: (file: string) => boolean): void;
  /** In what time somebody should look again, ms; null: nothing is waited for. */
  againMs(): number | null;
}

export function createPatience(patienceMs = usualPatienceMs): Patience {
  /** Since when something is wrong, ms of `performance.now`: no clock that is set counts. */
  const since = new Map<string, number>();
  /** Files of which it has lasted: they are not waited for any more. */
  const told = new Set<string>();
  const over = (file: string): void => {
    since.delete(file);
    told.delete(file);
  };
  return {
    lasted(file) {
      const first = since.get(file) ?? performance.now();
      since.set(file, first);
      // A timer may be a millisecond early.
      if (performance.now() - first >= patienceMs - 1) told.add(file);
      return told.has(file);
    },
    over,
    keep(isWanted) {
      for (const file of since.keys()) if (!isWanted(file)) over(file);
    },
    againMs: () => (since.size > told.size ? patienceMs : null),
  };
}
