import { expect, test } from 'vitest';
import { lastRuns } from '../../../src/state/runs/figures.ts';
import { printedRandom, type Random } from '../../support/random.ts';
import { temporaryState } from '../temporary-state.ts';

const start = 1_800_000_000_000;

interface Run {
  readonly id: string;
  readonly plan: string;
  readonly kind: string;
  readonly vm: string;
  readonly status: 'running' | 'unwinding' | 'succeeded' | 'failed' | 'cancelled' | 'crashed';
  readonly trigger: 'manual' | 'command' | 'schedule';
  readonly finished: number | null;
}

const oneOf = <T>(random: Random, values: readonly T[]): T => values[random.int(0, values.length)]!;

function someRun(random: Random, number: number): Run {
  const status = oneOf(random, ['running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'crashed'] as const);
  return {
    id: `r${number}`,
    plan: oneOf(random, ['a', 'b', 'c']),
    kind: oneOf(random, ['backup', 'verify', 'restore']),
    vm: oneOf(random, ['x', 'y']),
    status,
    trigger: oneOf(random, ['manual', 'command', 'schedule'] as const),
    finished: status === 'running' || status === 'unwinding' ? null : start + number * 1000,
  };
}

/** What was asked for, run by run. */
function expected(runs: readonly Run[], since: number) {
  const counted = runs.filter(
    (run) => run.finished !== null && run.finished >= since && run.kind !== 'restore' && run.trigger !== 'command',
  );
  return [...Map.groupBy(counted, ({ plan, vm, kind }) => `${plan} ${vm} ${kind}`).values()]
    .map((group) => {
      const { plan, vm, kind, status, finished } = group.at(-1)!;
      return { plan, vm, kind, status, finished, lastSuccess: lastSuccess(runs, { plan, vm, kind }) };
    })
    .toSorted((one, other) => (other.finished ?? 0) - (one.finished ?? 0));
}

/** However long ago. */
const lastSuccess = (runs: readonly Run[], of: Pick<Run, 'plan' | 'vm' | 'kind'>): number | null =>
  runs.findLast(
    (run) =>
      run.plan === of.plan &&
      run.vm === of.vm &&
      run.kind === of.kind &&
      run.status === 'succeeded' &&
      run.trigger !== 'command',
  )?.finished ?? null;

test('of every plan and VM the last run that ended, and the last success; no restores, no commands, nothing that goes on', () => {
  using made = temporaryState();
  const { state } = made;
  const random = printedRandom('last runs');
  const runs = Array.from({ length: 200 }, (_, number) => someRun(random, number));
  for (const run of runs)
    state.run(
      state.query.insertInto('runs').values({
        ...run,
        plan_file: '',
        plan_folder: '',
        unclean: 0,
        published: 0,
        warnings: '[]',
        owner_pid: 1,
        owner_start_time: '',
        owner_boot_id: '',
        started: start,
      }),
    );
  for (const since of [0, start + 150_000, start + 300_000]) {
    const found = lastRuns(state, since).map(({ plan, vm, kind, status, finished, lastSuccess: succeeded }) => ({
      plan,
      vm,
      kind,
      status,
      finished,
      lastSuccess: succeeded,
    }));
    expect(found).toEqual(expected(runs, since));
  }
});
