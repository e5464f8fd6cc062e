import { SendenseError } from '../../errors/sendense-error.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { limitsOf, pointForms, reasonOf } from '../../plan/times/point-words.ts';
import type { PointChoice } from '../../schemas/types.ts';
import { pointTimes, type TimedPoint } from './point-times.ts';

/** The restore points that a choice allows, and why. */
export interface Chosen<T> {
  /** Oldest first: the last one is meant, and those before it in its place where it is broken. */
  readonly fitting: readonly T[];
  /** `the last before …`. */
  readonly why: string;
  /** The first one that is too young for the choice: perhaps that one was meant. */
  readonly next: T | undefined;
}

type NamedPoint = TimedPoint & { readonly backup_id: string };

/**
 * The one place that says which restore points of a VM a choice means.
 * @param points all of one VM, in their order
 */
export function choosePoint<T extends NamedPoint>(points: readonly T[], choice: PointChoice, now: number): Chosen<T> {
  const why = reasonOf(choice);
  if (choice === 'latest') return { fitting: points, why, next: undefined };
  if (typeof choice === 'string')
    return { fitting: points.filter(({ backup_id: id }) => id === choice), why, next: undefined };
  const times = pointTimes(points, now);
  const tooYoung = (at: number): boolean =>
    'at' in choice ? isAfter(times[at] ?? 0, choice.at) : (times[at] ?? 0) >= Date.parse(choice.before);
  const from = 'from' in choice && choice.from !== undefined ? Date.parse(choice.from) : Number.NEGATIVE_INFINITY;
  return {
    fitting: points.filter((_point, at) => !tooYoung(at) && (times[at] ?? 0) >= from),
    why,
    next: points.find((_point, at) => tooYoung(at)),
  };
}

/** What a list shows as made at 18:00:00 is made by 18:00:00, whatever the fraction; unless one is asked for. */
function isAfter(time: number, at: string): boolean {
  const limit = Date.parse(at);
  return (limit % 1000 === 0 ? Math.floor(time / 1000) * 1000 : time) > limit;
}

/** What to say where a choice means none of a VM's restore points: which ones are near. @param where `in repository primary` */
export function noSuchPoint<T extends NamedPoint>(
  { vm, where, choice }: { readonly vm: string; readonly where: string; readonly choice: PointChoice },
  points: readonly T[],
  next: T | undefined,
): SendenseError {
  const none = `VM ${vm} has no restore point`;
  if (choice === 'latest') return new SendenseError('point.unknown', `${none} ${where}`);
  const unknown = (message: string): SendenseError => new SendenseError('point.unknown', message, { remedy });
  if (typeof choice !== 'string') return unknown(`${none} ${limitsOf(choice)} ${where}${nearest(points, next)}`);
  const near = didYouMean(
    choice,
    points.map(({ backup_id: id }) => id),
  );
  return unknown(`${none} ${choice} ${where}${near === null ? '' : `; did you mean ${near}?`}`);
}

function nearest(points: readonly NamedPoint[], next: NamedPoint | undefined): string {
  const before = points[(next ? points.indexOf(next) : points.length) - 1];
  const tell = (what: string, point: NamedPoint | undefined): string[] =>
    point ? [`the ${what} that is ${point.backup_id} of ${new Date(point.created).toISOString()}`] : [];
  const near = [...tell('last before', before), ...tell('first after', next)];
  return near.length === 0 ? '' : `; ${near.join(', ')}`;
}

const remedy = `See \`sendense-run list\`. To name one, say ${pointForms}.`;
