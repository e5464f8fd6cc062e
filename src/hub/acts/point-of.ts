import { SendenseError } from '../../errors/sendense-error.ts';
import { localZone, parsePoint } from '../../plan/times/point-words.ts';
import type { PointChoice } from '../../schemas/types.ts';

/** The restore point that a request names in words: as `--point`, in the zone of the hub. @throws SendenseError `request.invalid` */
export function pointOf(text: string): PointChoice {
  try {
    return parsePoint(text, { now: Date.now(), zone: localZone }, 'point');
  } catch (error) {
    if (!(error instanceof SendenseError)) throw error;
    const { message, remedy } = error;
    throw new SendenseError('request.invalid', message, { remedy, details: { field: 'point' } });
  }
}
