import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { recordVerification, type VerifyLevel } from '../../state/points/point-marks.ts';
import { releaseUse, usePoint } from '../../state/points/point-uses.ts';
import type { PointKey } from '../../state/points/restore-points.ts';
import type { Services } from '../services.ts';

type Context = Pick<StepContext<Services>, 'services' | 'runId' | 'planName' | 'log'>;

/** Does something with a restore point, of which nothing is removed meanwhile. Null: it is gone already. */
export async function withPoint<T>(
  { services: { state }, runId, log }: Context,
  key: PointKey,
  act: () => Promise<T>,
): Promise<T | null> {
  try {
    usePoint(state, runId, key);
  } catch (error) {
    if (!(error instanceof SendenseError) || error.code !== 'point.unknown') throw error;
    log(`${key.context} ${key.backupId} was removed meanwhile`);
    return null;
  }
  try {
    return await act();
  } finally {
    releaseUse(state, runId, key);
  }
}

interface Found {
  readonly level: VerifyLevel;
  /** Null: it passed. */
  readonly problem: string | null;
  /** What was wrong, or a remark. */
  readonly detail: string | null;
  /** What is told where it did not pass. */
  readonly message: string;
}

/** Writes down what a level found that comes on top of the files of a restore point: it is not broken, whatever was found. */
export function recordLevel(
  { services: { state }, runId, planName }: Context,
  key: PointKey,
  { level, problem, detail, message }: Found,
): void {
  const { repository, context: vm, backupId } = key;
  const ok = problem === null;
  recordVerification(state, key, { level, finished: Date.now(), ok, runId, bytesRead: 0, detail });
  if (ok) return;
  const details = { backup_id: backupId, problem };
  raiseNotice(state, { event: 'verification-failure', plan: planName, vm, repository, runId, message, details });
}
