import type { Parameter } from '../../api/route.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

const most = 14 * 60;

/** Of questions about days. */
export const offsetQuery: Parameter = {
  description: 'Where a day begins: minutes to the east of UTC, -840 to 840; default 0.',
};

/** @returns minutes @throws SendenseError `request.invalid` */
export function offsetOf({ offset = '0' }: Readonly<Record<string, string>>): number {
  const minutes = Number(offset);
  if (/^-?\d{1,3}$/.test(offset) && Math.abs(minutes) <= most) return minutes;
  throw new SendenseError('request.invalid', `offset is no number from -${most} to ${most}`, {
    details: { field: 'offset' },
  });
}
