import { SendenseError } from '../../errors/sendense-error.ts';
import { bootsFrom } from '../boots/boots.ts';
import type { State } from '../database/open-state.ts';
import { filesRun } from '../runs/files-run.ts';
import { hasPoint } from './point-links.ts';
import type { Marks } from './point-marks.ts';
import { usersElsewhere } from './used-marks.ts';
import type { PointKey } from './restore-points.ts';
import type { VmContext } from './vm-disks.ts';

/**
 * A run says that it reads a restore point: until the run has ended nothing of the point, nor of what it is built on, is
 * removed or merged. Call it before looking at any file of the point. After a power cut no run goes on, so nobody waits for the disk.
 * @throws SendenseError `point.unknown` where the point is not there any more
 */
export function usePoint(state: State, runId: string, { repository, context, backupId }: PointKey): void {
  state.transaction(() => {
    if (!hasPoint(state, { repository, context, backupId }))
      throw new SendenseError(
        'point.unknown',
        `VM ${context} has no restore point ${backupId} in repository ${repository}`,
      );
    state.run(
      state.query
        .insertInto('point_uses')
        .values({ run_id: runId, repository, context, backup_id: backupId, acquired: Date.now() })
        .onConflict((conflict) => conflict.doNothing()),
    );
  }, 'process');
}

/**
 * Who reads restore points of a VM: one of each, in words, by backup id.
 * @param marks as the files have them; default: as the database does
 */
export function usersOf(state: State, vm: VmContext, marks?: ReadonlyMap<string, Marks>): Map<string, string> {
  const rows = state.all(
    state.query
      .selectFrom('point_uses')
      .leftJoin('runs', 'runs.id', 'point_uses.run_id')
      .select(['point_uses.backup_id', 'point_uses.run_id', 'runs.plan', 'runs.kind'])
      .where('point_uses.repository', '=', vm.repository)
      .where('point_uses.context', '=', vm.context),
  );
  return new Map([
    ...usersElsewhere(state, vm, marks),
    ...rows.map((row) => [row.backup_id, readerOf(row)] as const),
    ...[...bootsFrom(state, vm)].map(([id, boot]) => [id, `${boot} runs from`] as const),
  ]);
}

/** What comes before `it`, or before the id of a point that is built on it. */
const readerOf = ({ backup_id: id, run_id: run, plan, kind }: Reading): string =>
  plan === filesRun && kind === 'care'
    ? `files that somebody looks at (run ${run}; \`sendense-run files close ${id}\` ends it) need`
    : `run ${run} reads`;

interface Reading {
  readonly backup_id: string;
  readonly run_id: string;
  readonly plan: string | null;
  readonly kind: string | null;
}

/** The run goes on, and has done with this one. */
export const releaseUse = (state: State, runId: string, { repository, context, backupId }: PointKey): number =>
  state.run(
    state.query
      .deleteFrom('point_uses')
      .where('run_id', '=', runId)
      .where('repository', '=', repository)
      .where('context', '=', context)
      .where('backup_id', '=', backupId),
  );

/** A run that has ended reads nothing any more. */
export const releaseUses = (state: State, runId: string): number =>
  state.run(state.query.deleteFrom('point_uses').where('run_id', '=', runId));
