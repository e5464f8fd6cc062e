/**
 * Seconds of processor time that the tests of each folder may take in `npm test`, on the machine of the CI with two cores. `npm test`
 * says when a folder takes more; it does not fail, because a slow machine is no fault of the tests. Make the tests cheaper before you
 * give a folder more: ten minutes for everything are twenty minutes of processor time, and other work wants its part.
 */
export const budgets: Readonly<Record<string, number>> = {};
