/** Whether everything runs at full length (`npm run test:all`), or what fits into every run of the tests (`npm test`). */
export const all = process.env['SENDENSE_TESTS'] === 'all';

/** Rounds of a test that gains by repetition: `few` in `npm test`, `many` in `npm run test:all`, or as many as `ROUNDS=…` says. */
export const rounds = (few: number, many: number): number => Number(process.env['ROUNDS'] ?? (all ? many : few));

/** A case of a matrix that shows again what the others show: for `npm run test:all`. */
export interface Repeated {
  readonly again?: boolean;
}

/** The cases of a matrix, in `npm test` without those that show the same again. */
export const enough = <T extends Repeated>(cases: readonly T[]): readonly T[] =>
  all ? cases : cases.filter(({ again }) => !again);
