import { SendenseError } from '../../errors/sendense-error.ts';
import type { Settings } from '../../schemas/types.ts';
import { parseDuration } from '../../time/duration.ts';

/** What those who read files of restore points may do. */
export interface FileLimits {
  /** A session of which no byte was read ends after so long, ms. */
  readonly idleMs: number;
  /** Sessions at a time: in all, and of one caller. */
  readonly sessions: number;
  readonly sessionsPerUser: number;
  /** Of one session, at a time: downloads and archives; searches and comparisons. */
  readonly downloads: number;
  readonly searches: number;
}

export const limitsOf = ({ files: { idle, ...numbers } }: Pick<Settings, 'files'>): FileLimits => ({
  idleMs: parseDuration(idle),
  sessions: numbers.sessions,
  sessionsPerUser: numbers.sessionsPerUser,
  downloads: numbers.downloads,
  searches: numbers.searches,
});

/** A session that counts: who opened it, and after how many ms it ends where nobody reads. */
export interface CountedSession {
  readonly who: string;
  remainingMs(): number;
}

/**
 * There is room for one more session of a caller.
 * @throws SendenseError `files.limit` with the time after which the first of those that are open ends, if nobody reads from it
 */
export function assertRoom(held: readonly CountedSession[], who: string, limits: FileLimits): void {
  const own = held.filter((one) => one.who === who);
  const full =
    own.length >= limits.sessionsPerUser
      ? { those: own, setting: 'files: sessionsPerUser', whose: ` by ${who}` }
      : held.length >= limits.sessions
        ? { those: held, setting: 'files: sessions', whose: '' }
        : null;
  if (!full) return;
  const { those, setting, whose } = full;
  const retrySeconds = Math.max(1, Math.ceil(Math.min(...those.map((one) => one.remainingMs())) / 1000));
  throw new SendenseError('files.limit', `no more than ${those.length} may be open at a time${whose} (${setting})`, {
    details: { retrySeconds },
  });
}

/** What takes long and is limited. */
export type Work = 'download' | 'search';

/** How much goes on at a time in one session. */
export interface Workload {
  /** Until it is disposed of, one more goes on. @throws SendenseError `files.busy` */
  enter(work: Work): Disposable;
}

/** Somebody who was refused asks again after so long, s: how long a download takes is up to who takes it. */
const againSeconds = 5;

export function workload({ downloads, searches }: FileLimits): Workload {
  const most = { download: downloads, search: searches };
  const now = { download: 0, search: 0 };
  return {
    enter(work) {
      if (now[work] >= most[work])
        throw new SendenseError(
          'files.busy',
          `${now[work]} ${work === 'download' ? 'downloads' : 'searches'} of this restore point go on`,
          { details: { retrySeconds: againSeconds } },
        );
      now[work]++;
      let left = false;
      return {
        [Symbol.dispose]() {
          if (!left) now[work]--;
          left = true;
        },
      };
    },
  };
}
