import { isDeepStrictEqual } from 'node:util';
import { errorToJson, SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import type { Caller } from '../../api/caller.ts';
import type { AskCommand } from '../runs/start-run.ts';

/** What a question to a command is about. */
export interface Question {
  /** `check`. */
  readonly kind: string;
  /** Name of the repository, the plan or the source. */
  readonly about: string;
  /** The command of `sendense-run` that answers. */
  readonly words: readonly string[];
  /** Who asks: nobody may take all turns. */
  readonly caller: Pick<Caller, 'name' | 'identity'>;
  /** It changes something: the end of the hub does not end it. */
  readonly goesOn?: boolean;
  /** What is kept of that which the command prints: the rest would stay in memory. */
  reduce(output: object): object;
}

/** A question that may take hours, and what became of it. Times are milliseconds since the epoch. */
export interface Inquiry {
  readonly by: string;
  readonly begun: number;
  /** Null: it goes on. */
  readonly ended: number | null;
  /** What is kept of the answer; null where it goes on, or failed. */
  readonly output: object | null;
  readonly error: ErrorOutput | null;
}

/**
 * Questions that take longer than a request: asked in a process of their own, one of a kind about one thing at a time. The last answer of
 * each is kept while the hub runs. The end of the hub ends those that only read.
 */
export interface Inquiries extends Disposable {
  /** What goes on is not begun a second time. @throws SendenseError `node.limited` where too many go on, or the same was asked in other words */
  begin(question: Question): Inquiry;
  /** Undefined: nobody has asked since the hub was started. */
  last(kind: string, about: string): Inquiry | undefined;
  /** All of a kind that were asked for since the hub was started. */
  all(kind: string): readonly { readonly about: string; readonly inquiry: Inquiry }[];
}

/** Processes at a time, and of one asker. */
const mostRunning = 3;
const mostOfOne = 2;
/** Answers that are kept. */
const mostKept = 50;

export function createInquiries(askCommand: AskCommand): Inquiries {
  const known = new Map<string, Inquiry>();
  /** Of those that go on. */
  const askedWith = new Map<string, { readonly words: readonly string[]; readonly identity: string }>();
  const ending = new AbortController();
  const keyOf = (kind: string, about: string): string => JSON.stringify([kind, about]);
  const isRunning = ({ ended }: Inquiry): boolean => ended === null;

  function keep(key: string, inquiry: Inquiry): void {
    known.delete(key);
    known.set(key, inquiry);
    for (const [other, { ended }] of known) {
      if (known.size <= mostKept) return;
      if (ended !== null) known.delete(other);
    }
  }

  return {
    begin({ kind, about, words, caller: { name: by, identity }, goesOn = false, reduce }) {
      const key = keyOf(kind, about);
      const before = known.get(key);
      if (before && isRunning(before)) {
        if (isDeepStrictEqual(askedWith.get(key)?.words, words)) return before;
        throw asksOtherwise(kind, before);
      }
      const own = [...askedWith.values()].filter((one) => one.identity === identity).length;
      if (own >= mostOfOne) throw tooMany(`${own} questions of yours`);
      if (askedWith.size >= mostRunning) throw tooMany(`${mostRunning} questions of this kind`);
      const begun: Inquiry = { by, begun: Date.now(), ended: null, output: null, error: null };
      keep(key, begun);
      askedWith.set(key, { words, identity });
      const end = (result: Partial<Inquiry>): void => {
        askedWith.delete(key);
        keep(key, { ...begun, ...result, ended: Date.now() });
      };
      void askCommand(
        words,
        { by: identity, signal: goesOn ? new AbortController().signal : ending.signal },
        { answersWith: [1, 3] },
      )
        .then((output) => end({ output: reduce(output) }))
        .catch((error: unknown) => end({ error: errorToJson(toSendenseError(error)) }));
      return begun;
    },
    last: (kind, about) => known.get(keyOf(kind, about)),
    all: (kind) =>
      [...known].flatMap(([key, inquiry]) => {
        const [of, about = ''] = JSON.parse(key) as readonly string[];
        return of === kind ? [{ about, inquiry }] : [];
      }),
    [Symbol.dispose]: () => ending.abort(),
  };
}

const tooMany = (which: string): SendenseError =>
  new SendenseError('node.limited', `${which} go on already`, {
    remedy: 'Try again when one of them has ended.',
    details: { retrySeconds: 30 },
  });

const asksOtherwise = (kind: string, { by, begun }: Inquiry): SendenseError =>
  new SendenseError(
    'node.limited',
    `a ${kind} that ${by} asked for with other options goes on since ${new Date(begun).toISOString()}`,
    { remedy: 'Try again when it has ended.', details: { retrySeconds: 30 } },
  );
