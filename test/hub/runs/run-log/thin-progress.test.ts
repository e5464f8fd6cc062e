import { expect, test } from 'vitest';
import { thinProgress } from '../../../../src/hub/runs/run-log/thin-progress.ts';
import type { StepProgressEvent } from '../../../../src/schemas/types.ts';

const progress = (time: number, phase: string, overall?: StepProgressEvent['overall']): StepProgressEvent => ({
  type: 'step.progress',
  time,
  run_id: 'r',
  step: 's',
  disks: [{ disk: 'one', phase, bytes_done: 1, bytes_total: 2, rate: 1 }],
  ...(overall ? { overall } : {}),
});

const phases = Array.from({ length: 60 }, (_, second) => (second % 2 === 0 ? 'preparing' : 'copying'));

test('of a run it keeps a line every ten seconds, and each new phase', () => {
  const keeps = thinProgress();
  expect(
    Array.from({ length: 600 }, (_, tenth) => keeps(progress(tenth * 100, 'copying'))).filter(Boolean),
  ).toHaveLength(6);
  const again = thinProgress();
  expect(phases.filter((phase, second) => again(progress(second * 1000, phase)))).toHaveLength(60);
});

test('of a group it keeps a line every ten seconds, whatever its VMs begin', () => {
  const keeps = thinProgress();
  const overall = { done: 1, failed: 0, total: 300, left_ms: null };
  expect(phases.filter((phase, second) => keeps(progress(second * 1000, phase, overall)))).toHaveLength(6);
});
