/** Answers as JSON text, by what they answer. */
export interface RememberedAnswers {
  /** The text that was made last, while it is good; callers that ask meanwhile share one that is being made. */
  text(key: string, make: () => Promise<object> | object): Promise<string>;
}

/** What the database does not tell, such as a process that died, is seen after this, ms. */
const goodMs = 1000;
/** Answers that are remembered, and their length in all. */
const mostAnswers = 64;
const mostLength = 8 * 1024 * 1024;

interface Remembered {
  readonly text: Promise<string>;
  readonly changes: string;
  readonly made: number;
  length: number;
}

/**
 * Remembers answers for a moment, until the database changes: many pages that show the same ask for it at the same time.
 * @param changes is another text once anything has changed
 */
export function rememberedAnswers(
  changes: () => string,
  now: () => number = () => performance.now(),
): RememberedAnswers {
  const known = new Map<string, Remembered>();
  const forgetOld = (): void => {
    let length = 0;
    for (const [key, { length: own, made }] of [...known].toReversed()) {
      length += own;
      if (length > mostLength || now() - made >= goodMs) known.delete(key);
    }
    for (const [key] of known) {
      if (known.size <= mostAnswers) return;
      known.delete(key);
    }
  };
  return {
    text(key, make) {
      const at = changes();
      const last = known.get(key);
      if (last && last.changes === at && now() - last.made < goodMs) return last.text;
      const text = (async () => JSON.stringify(await make()))();
      const own: Remembered = { text, changes: at, made: now(), length: 0 };
      known.delete(key);
      known.set(key, own);
      forgetOld();
      text.then(
        (made) => (own.length = made.length),
        () => known.get(key) === own && known.delete(key),
      );
      return text;
    },
  };
}
