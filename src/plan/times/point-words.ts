import { SendenseError } from '../../errors/sendense-error.ts';
import type { PointChoice } from '../../schemas/types.ts';
import { momentIn, type Moment, type WordsContext } from './moment-words.ts';

/** What `--point` takes, in one sentence for help and errors. */
export const pointForms =
  'latest, the id of a restore point, a day (2026-11-22, yesterday), a time (2026-11-22T18:00+01:00, "yesterday 18:00"), or one of these after `before`';

/**
 * What was written after `--point`.
 * @throws SendenseError `usage`, which names `option`
 */
export function parsePoint(text: string, context: WordsContext, option = '--point'): PointChoice {
  const words = text.trim();
  const before = /^before(?![A-Za-z0-9._-])[\s:=]*(.*)$/i.exec(words)?.[1];
  const moment = momentIn(before ?? words, context);
  if (moment.kind === 'wrong') throw wrong(`${option} ${text}: ${moment.why}`, moment.wayOut);
  if (before !== undefined) {
    if (moment.kind !== 'none') return { before: moment.from };
    throw wrong(`${option} ${text}: ${before === '' ? 'before what?' : `${before} is not a day or a time`}`);
  }
  if (moment.kind !== 'none') return choiceOf(moment);
  if (/^latest$/i.test(words)) return 'latest';
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(words)) return words;
  throw wrong(`${option} ${text}: that is not a restore point, a day or a time`);
}

const choiceOf = (moment: Moment): PointChoice =>
  moment.kind === 'day' ? { from: moment.from, before: moment.until } : { at: moment.from };

const wrong = (message: string, wayOut?: string): SendenseError =>
  new SendenseError('usage', message, { remedy: wayOut ?? `Write ${pointForms}.` });

/** Why a restore point is the one that is meant: `the last before …`. */
export function reasonOf(choice: PointChoice): string {
  if (choice === 'latest') return 'the latest';
  if (typeof choice === 'string') return 'named by its id';
  return `the last ${limitsOf(choice)}`;
}

/** `before …`, `made by …`, `from … until …` */
export function limitsOf(choice: Exclude<PointChoice, string>): string {
  if ('at' in choice) return `made by ${choice.at}`;
  return choice.from === undefined ? `before ${choice.before}` : `from ${choice.from} until ${choice.before}`;
}

/** The zone of this machine, or of TZ. */
export const localZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;
