import { weakTag } from '../../api/etags.ts';

/** JSON as it is sent: once in memory, however many get it. */
export interface MadeAnswer {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** Answers as JSON, by what they answer. */
export interface RememberedAnswers {
  /** What was made last, while it is good; callers that ask meanwhile share one that is being made. */
  answer(key: string, make: () => Promise<object> | object): Promise<MadeAnswer>;
  /** Its text. */
  text(key: string, make: () => Promise<object> | object): Promise<string>;
}

/** What the database does not tell, such as a process that died, is seen after this, ms. */
const goodMs = 1000;
/** Answers that are remembered, and their length in all. */
const mostAnswers = 64;
const mostLength = 8 * 1024 * 1024;

interface Remembered {
  readonly answer: Promise<MadeAnswer>;
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
  const answers: RememberedAnswers = {
    text: async (key, make) => (await answers.answer(key, make)).bytes.toString(),
    answer(key, make) {
      const at = changes();
      const last = known.get(key);
      if (last && last.changes === at && now() - last.made < goodMs) return last.answer;
      const answer = makeAnswer(make);
      const own: Remembered = { answer, changes: at, made: now(), length: 0 };
      known.delete(key);
      known.set(key, own);
      forgetOld();
      answer.then(
        ({ bytes }) => (own.length = bytes.length),
        () => known.get(key) === own && known.delete(key),
      );
      return answer;
    },
  };
  return answers;
}

async function makeAnswer(make: () => Promise<object> | object): Promise<MadeAnswer> {
  const bytes = Buffer.from(JSON.stringify(await make()));
  return { bytes, tag: weakTag(bytes) };
}
