import { number, numberOf } from '../../api/numbers.ts';

const most = 14 * 60;

/** Of questions about days. */
export const offsetQuery = number('Where a day begins: minutes to the east of UTC, -840 to 840; default 0.', [
  -most,
  most,
]);

/** @returns minutes */
export const offsetOf = (query: Readonly<Record<string, string>>): number => numberOf(query, 'offset', 0);
