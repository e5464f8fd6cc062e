import { createHash } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../../state/database/open-state.ts';
import { keepAnswer, keptAnswer, type RepeatKey } from '../../state/api/repeats.ts';

/** What was begun, and how that is answered. */
export interface Begun {
  readonly status: number;
  /** Path of what tells how it goes; null: nothing does. */
  readonly location: string | null;
  readonly body: object;
}

/** Makes sure that a request with an `Idempotency-Key` begins one thing only, however often it comes. */
export interface Repeats {
  /**
   * @param asked.key null: the request has none, and each begins something
   * @throws SendenseError `request.invalid` for a key that was used for something else
   */
  once(
    asked: Omit<RepeatKey, 'key'> & { readonly key: string | null; readonly body: unknown },
    begin: () => Promise<Begun>,
  ): Promise<Begun>;
}

/** The order of keys says nothing. */
const digestOf = (body: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(body, (_key, value: unknown) => inOrder(value)) ?? '')
    .digest('hex');

const inOrder = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** Those that come while the first is being answered wait for it. What fails is not kept: it may be tried again. */
export function createRepeats(state: State): Repeats {
  const underWay = new Map<string, { readonly request: string; readonly begun: Promise<Begun> }>();
  return {
    async once({ caller, route, key, body }, begin) {
      if (key === null) return await begin();
      const place = { caller, route, key: checked(key) };
      const request = digestOf(body);
      const name = JSON.stringify(Object.values(place));
      const other = underWay.get(name);
      if (other) return await same(other, request).begun;
      const kept = keptAnswer(state, place, Date.now());
      if (kept) return JSON.parse(same(kept, request).answer) as Begun;
      const begun = begin().then((answer) => {
        keepAnswer(state, place, { request, answer: JSON.stringify(answer) }, Date.now());
        return answer;
      });
      underWay.set(name, { request, begun });
      try {
        return await begun;
      } finally {
        underWay.delete(name);
      }
    },
  };
}

function same<Known extends { readonly request: string }>(known: Known, request: string): Known {
  if (known.request === request) return known;
  throw new SendenseError('request.invalid', 'Idempotency-Key was used for another request', {
    remedy: 'Make a new key for each thing that is to begin, and use it again only to ask for the same once more.',
    details: { field: 'idempotency-key' },
  });
}

function checked(key: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(key)) return key;
  throw new SendenseError('request.invalid', 'Idempotency-Key is not 1 to 128 visible ASCII characters', {
    details: { field: 'idempotency-key' },
  });
}
