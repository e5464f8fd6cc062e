import type { ErrorOutput } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';

/** A plan file that is not in force, because another file has a plan of the same name. */
export interface DuplicatePlan {
  /** Absolute. */
  readonly file: string;
  readonly plan: string;
  readonly error: ErrorOutput;
}

/** By name of the plan, then by file. */
export const duplicatePlans = (state: State): DuplicatePlan[] =>
  state
    .all(state.query.selectFrom('duplicate_plans').selectAll().orderBy('plan').orderBy('file'))
    .map(({ file, plan, error }) => ({ file, plan, error: JSON.parse(error) as ErrorOutput }));

/** Writes down why a file is not in force, so that `schedule list` can say it. */
export function noteDuplicate(state: State, { file, plan, error }: DuplicatePlan): void {
  const row = { plan, error: JSON.stringify(error) };
  state.run(
    state.query
      .insertInto('duplicate_plans')
      .values({ file, ...row })
      .onConflict((conflict) => conflict.column('file').doUpdateSet(row)),
  );
}

/** The file is gone, or holds something else now. */
export const forgetDuplicate = (state: State, file: string): void =>
  void state.run(state.query.deleteFrom('duplicate_plans').where('file', '=', file));
