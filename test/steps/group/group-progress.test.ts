import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DiskProgress, OverallProgress } from '../../../src/engine/step.ts';
import type { RunEvent } from '../../../src/schemas/types.ts';
import { groupProgress } from '../../../src/steps/group/group-progress.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const moving = (done: number): RunEvent => ({
  type: 'step.progress',
  time: 0,
  run_id: 'r',
  step: 'transfer',
  disks: [{ disk: 'disk-0', phase: 'copying', bytes_done: done, bytes_total: 100, rate: 1 }],
});

function followed(total: number) {
  const told: { lines: readonly DiskProgress[]; overall: OverallProgress }[] = [];
  const progress = groupProgress({ total, report: (lines, overall) => void told.push({ lines, overall }) });
  return { progress, told };
}

test('many VMs that report ten times a second make one report of the group a second', () => {
  const { progress, told } = followed(300);
  for (let tenth = 0; tenth < 100; tenth++) {
    for (let vm = 0; vm < 20; vm++) progress.follow(`vm${vm}`, moving(tenth));
    vi.advanceTimersByTime(100);
  }
  expect(told.length).toBeGreaterThanOrEqual(10);
  expect(told.length).toBeLessThanOrEqual(12);
  expect(told.at(-1)?.lines).toHaveLength(20);
  progress[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});

test('it counts who is done and who failed, and how long the others take at that pace', () => {
  const { progress, told } = followed(300);
  progress.follow('vm0', moving(1));
  expect(told.at(-1)?.overall).toEqual({ done: 0, failed: 0, total: 300, left_ms: null });
  vi.advanceTimersByTime(30_000);
  for (let vm = 0; vm < 30; vm++) progress.ended(vm >= 2);
  progress[Symbol.dispose]();
  expect(told.at(-1)?.overall).toEqual({ done: 30, failed: 2, total: 300, left_ms: 270_000 });
});
