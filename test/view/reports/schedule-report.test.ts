import { expect, test } from 'vitest';
import type { ScheduleOutput } from '../../../src/schemas/types.ts';
import { schedulesReport } from '../../../src/view/reports/schedule-report.ts';
import { makeStyle } from '../../../src/view/style.ts';

const slot = Date.UTC(2026, 10, 21, 1, 30);
const facts = { plan: 'nightly', kind: 'backup' };
const nightly: ScheduleOutput = {
  ...facts,
  vm: 'pgtest1',
  file: '/plans/nightly.yaml',
  cron: '30 1 * * *',
  timezone: 'UTC',
  enabled: true,
  next: slot,
  begins: slot,
  paused: null,
  failures: 0,
  error: null,
  last: { ...facts, slot, state: 'paused', reason: null, trigger: 'schedule', run_id: null, decided: slot },
};

const stateOf = (schedule: Partial<ScheduleOutput>): string | undefined =>
  schedulesReport(
    { version: 1, schedules: [{ ...nightly, ...schedule }], duplicates: [] },
    { style: makeStyle({ colour: false, unicode: false }), columns: 200 },
  )[1]?.replace(/^.* UTC +(- +)?/, '');

test('a schedule that was resumed does not look paused', () => {
  expect(stateOf({ paused: { since: slot, reason: 'storage moves' } })).toBe('paused: storage moves');
  expect(stateOf({})).toBe('resumed');
  expect(stateOf({ last: null })).toBe('new');
});
