import type { State } from '../database/open-state.ts';

export interface RepeatKey {
  /** Who asks. */
  readonly caller: string;
  /** Id of the route, and what its path names. */
  readonly route: string;
  /** What the caller made of it. */
  readonly key: string;
}

export interface KeptAnswer {
  /** SHA-256 of the body of the request, hex. */
  readonly request: string;
  /** JSON. */
  readonly answer: string;
}

/** For how long an answer is kept, ms. */
const keptMs = 24 * 60 * 60_000;

/** The answer to a request that was asked with this key before. */
export const keptAnswer = (state: State, { caller, route, key }: RepeatKey, now: number): KeptAnswer | undefined =>
  state.first(
    state.query
      .selectFrom('repeats')
      .select(['request', 'answer'])
      .where('caller', '=', caller)
      .where('route', '=', route)
      .where('key', '=', key)
      // A clock that was ahead keeps nothing for longer.
      .where('at', '>', now - keptMs)
      .where('at', '<=', now + keptMs),
  );

/** Keeps an answer, and forgets old ones. */
export function keepAnswer(state: State, { caller, route, key }: RepeatKey, kept: KeptAnswer, now: number): void {
  state.transaction(() => {
    state.run(
      state.query
        .deleteFrom('repeats')
        .where((is) => is.or([is('at', '<=', now - keptMs), is('at', '>', now + keptMs)])),
    );
    state.run(
      state.query
        .insertInto('repeats')
        .values({ caller, route, key, ...kept, at: now })
        .onConflict((conflict) => conflict.columns(['caller', 'route', 'key']).doUpdateSet({ ...kept, at: now })),
    );
  });
}
