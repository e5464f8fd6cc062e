import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { manifestPath } from '../../repository/layout.ts';
import { readManifest } from '../../repository/manifest.ts';
import { judgedAgainst } from '../../repository/marks-of-vm.ts';
import type { Marks, MarksChange } from '../../repository/marks.ts';
import type { PointsVerifyOutput } from '../../schemas/types.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import { marksKey, marksOf, recordVerification, setMarks } from '../../state/points/point-marks.ts';
import { releaseUse, usePoint } from '../../state/points/point-uses.ts';
import { hasPoint, pointLinks, type PointLinks } from '../../state/points/point-links.ts';
import type { PointKey } from '../../state/points/restore-points.ts';
import { changeMarks } from '../hold/change-marks.ts';
import { followMarks } from '../hold/follow-marks.ts';
import { followMerges } from '../hold/follow-merges.ts';
import { brokenBelow, dependentsOf, parentsOf } from './broken-points.ts';
import {
  examinePoint,
  type ContentLevel,
  type PointProblem,
  type PointVerdict,
  type Reading,
} from './examine-point.ts';
import { findCulprits } from './find-culprits.ts';

export type VerifiedPoint = PointsVerifyOutput['results'][number];

export interface VerifyWork {
  readonly state: State;
  readonly repository: string;
  readonly runId: string;
  readonly plan: string;
  readonly level: ContentLevel;
  /** Marks are kept in the database only. */
  readonly rescuing?: boolean;
  readonly reading: Reading;
  /** What this run has found of each restore point so far, by {@link marksKey}; null: it is gone. */
  readonly found: Map<string, VerifiedPoint | null>;
  log(message: string): void;
}

/**
 * Verifies one restore point, marks it broken or takes that mark away, and records the result at once. It is sound only if
 * its whole chain is: each restore point below it that this run has not looked at is verified before it, at level `quick`.
 * @returns null where it is gone: it was removed meanwhile
 */
export async function verifyPoint(work: VerifyWork, point: PointLinks): Promise<VerifiedPoint | null> {
  const { state, repository, reading } = work;
  const { context } = point.vm;
  const unseen = (): PointLinks[] => {
    const all = pointLinks(state, { repository, context });
    const now = all.find((entry) => entry.backup_id === point.backup_id) ?? point;
    const below = parentsOf(now, new Map(all.map((entry) => [entry.backup_id, entry])));
    return all.filter((entry) => below.has(entry.backup_id) && !work.found.has(keyOfPoint(entry)));
  };
  // What another hub has merged into it, it is not built on any more.
  const before = unseen();
  const keys = [...before, point].map((entry) => ({ repository, context, backupId: entry.backup_id }));
  const learnt = await followMerges(state, reading.root, keys);
  for (const parent of learnt ? unseen() : before) await verifyAlone({ ...work, level: 'quick' }, parent);
  return await verifyAlone(work, point);
}

export const keyOfPoint = ({ vm, backup_id: id }: PointLinks): string => marksKey(vm.context, id);

async function verifyAlone(work: VerifyWork, point: PointLinks): Promise<VerifiedPoint | null> {
  const { repository, found } = work;
  const result = await verifyInUse(work, { repository, context: point.vm.context, backupId: point.backup_id });
  found.set(keyOfPoint(point), result);
  return result;
}

async function verifyInUse(work: VerifyWork, key: PointKey): Promise<VerifiedPoint | null> {
  const { state, runId } = work;
  try {
    usePoint(state, runId, key);
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'point.unknown') return null;
    throw error;
  }
  let result: VerifiedPoint | null = null;
  try {
    return (result = await verifyKept(work, key));
  } finally {
    // What has a result was released with it.
    if (result === null) state.transaction(() => releaseUse(state, runId, key), 'process');
  }
}

async function verifyKept(work: VerifyWork, key: PointKey): Promise<VerifiedPoint | null> {
  const { state, repository, runId, level, reading } = work;
  const { context, backupId: id } = key;
  const all = pointLinks(state, { repository, context });
  const point = all.find((entry) => entry.backup_id === id);
  if (!point) return null;
  const marks = await followMarks(state, reading.root, { repository, context });
  const below = brokenBelow(point, all, withoutOwn(marks, key));
  // What is built on a broken one reads wrong through the chain, whatever is in its own file.
  const verdict = await examinePoint(state, key, level === 'deep' && below ? 'digests' : level, reading);
  if (!verdict || !hasPoint(state, key)) return null;
  const { own, elsewhere } = await blame(work, key, verdict);
  for (const [backupId, problems] of elsewhere) await markBroken(work, { ...key, backupId }, problems, all);
  const before = marks.get(marksKey(context, id))?.broken ?? null;
  const breaking = own.filter(({ breaks }) => breaks);
  /** What was not read cannot be found sound again. */
  const unproven = level === 'quick' || own.some(({ code }) => code === 'key.missing');
  if (breaking.length > 0) await markBroken(work, key, breaking, all);
  else if (before && !unproven) {
    await mark(work, key, { broken: null });
    work.log(`${context} ${id} is sound again; it is no longer marked as broken`);
  }
  const doubtful = below === null ? unsoundBelow(work, point, all) : null;
  const restsOn = [...elsewhere.keys()][0] ?? below?.backupId ?? doubtful ?? null;
  const stillBroken = breaking.length > 0 || (before !== null && unproven);
  const remarks = [...verdict.remarks];
  if (before && unproven && breaking.length === 0)
    remarks.push(`was found broken before (${before.reason}); only --level digests or deep can find it sound again`);
  const problems = own.map(({ path, message }) => `${path} ${message}`);
  if (restsOn !== null)
    problems.push(`depends on ${restsOn}, which ${restsOn === doubtful ? 'was not found sound' : 'is broken'}`);
  const ok = problems.length === 0 && !stillBroken;
  // After a power cut the next run verifies it again.
  state.transaction(() => {
    recordVerification(state, key, {
      level,
      finished: Date.now(),
      ok,
      runId,
      bytesRead: verdict.bytesRead,
      detail: [...problems, ...remarks].join('; ') || null,
    });
    releaseUse(state, runId, key);
  }, 'process');
  return {
    vm: context,
    backup_id: id,
    level,
    ok,
    broken: stillBroken,
    rests_on: restsOn,
    problems,
    remarks,
    dependents: stillBroken ? dependentsOf(id, all) : [],
    bytes_read: verdict.bytesRead,
  };
}

/** The oldest restore point below this one that this run did not find sound, whether it is marked as broken or could not be read. */
function unsoundBelow({ found }: VerifyWork, point: PointLinks, all: readonly PointLinks[]): string | null {
  const below = parentsOf(point, new Map(all.map((entry) => [entry.backup_id, entry])));
  return (
    all.find((entry) => below.has(entry.backup_id) && found.get(keyOfPoint(entry))?.ok === false)?.backup_id ?? null
  );
}

function withoutOwn(marks: ReadonlyMap<string, Marks>, { context, backupId }: PointKey): Map<string, Marks> {
  const others = new Map(marks);
  others.delete(marksKey(context, backupId));
  return others;
}

/** Whose files they are that a point's problems come from: its own, or those of points that it is built on. */
async function blame(
  { state, level, reading }: VerifyWork,
  key: PointKey,
  { problems }: PointVerdict,
): Promise<{ own: PointProblem[]; elsewhere: Map<string, PointProblem[]> }> {
  const own: PointProblem[] = [];
  const elsewhere = new Map<string, PointProblem[]>();
  for (const problem of problems) {
    const { disk } = problem;
    const culprits =
      level === 'deep' && disk !== null && !['file.missing', 'key.missing'].includes(problem.code)
        ? await findCulprits(state, key, { ...problem, disk }, reading)
        : [];
    for (const { backupId, ...found } of culprits) {
      const its = { ...found, breaks: true };
      if (backupId === key.backupId) own.push(its);
      else elsewhere.set(backupId, [...(elsewhere.get(backupId) ?? []), its]);
    }
    if (culprits.length === 0) own.push(problem);
  }
  return { own, elsewhere };
}

/** In a repository that cannot be written only the database of this hub knows of it, and that is said. */
async function mark(work: VerifyWork, key: PointKey, change: MarksChange): Promise<void> {
  const { state, log } = work;
  const { context, backupId } = key;
  if (work.rescuing) return markHere(state, key, change);
  try {
    await changeMarks(state, work.reading.root, key, change);
  } catch (error) {
    const { cause = error } = error as Error;
    const { code = '' } = cause as NodeJS.ErrnoException;
    // Whose folder it is, or that it is a link.
    const isOthers = cause === error && code === 'repository.unusable';
    if (!['EROFS', 'EACCES', 'EPERM'].includes(code) && !isOthers) throw error;
    markHere(state, key, change);
    const why = isOthers ? (error as Error).message : code;
    log(
      `${context} ${backupId}: this hub cannot write the mark to the repository (${why}), so other hubs do not know of it`,
    );
  }
}

function markHere(state: State, key: PointKey, change: Omit<MarksChange, 'used'>): void {
  const { repository, context, backupId } = key;
  const none = { format: 'sendense-point-marks/1', protected: null, broken: null } as const;
  setMarks(state, key, {
    ...none,
    ...marksOf(state, { repository, context }).get(marksKey(context, backupId)),
    ...change,
  });
}

async function markBroken(
  work: VerifyWork,
  key: PointKey,
  problems: readonly PointProblem[],
  all: readonly PointLinks[],
): Promise<void> {
  const { state, reading, runId, plan, log } = work;
  const { repository, context, backupId } = key;
  const whole = problems.some(({ disk }) => disk === null);
  const disks = whole ? [] : [...new Set(problems.map(({ disk }) => disk ?? 0))].toSorted((a, b) => a - b);
  const reason = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  const since = marksOf(state, { repository, context }).get(marksKey(context, backupId))?.broken?.since ?? Date.now();
  const manifest = await readManifest(join(reading.root, manifestPath(context, backupId))).catch(() => null);
  const judged = judgedAgainst(manifest, disks);
  await mark(work, key, { broken: { since, disks, reason, run_id: runId, judged } });
  const dependents = dependentsOf(backupId, all);
  const above = dependents.length === 0 ? '' : `; built on it: ${dependents.join(', ')}`;
  log(`${context} ${backupId} is broken: ${reason}${above}`);
  raiseNotice(state, {
    event: 'verification-failure',
    plan,
    vm: context,
    repository,
    runId,
    message: `Restore point ${backupId} of ${context} is broken: ${reason}${above}`,
    details: { backup_id: backupId, disks, reason, dependents },
  });
}
