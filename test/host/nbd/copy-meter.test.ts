import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startCopyMeter } from '../../../src/host/nbd/copy-meter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('between the reports of the copy, what is read for it counts; what a digest reads does not', () => {
  const reports: number[] = [];
  let read = 1000;
  using meter = startCopyMeter({ bytesRead: () => read, total: 500, report: (bytes) => reports.push(bytes) });
  meter.copied(0);
  read += 300;
  meter.digested(100);
  vi.advanceTimersByTime(500);
  meter.digested(400);
  vi.advanceTimersByTime(500);
  meter.copied(150);
  meter.copied(250);
  read += 1000;
  vi.advanceTimersByTime(500);
  expect(reports).toEqual([200, 250, 500]);
});

test('a source that cannot tell leaves the reports of the copy', () => {
  const reports: number[] = [];
  using meter = startCopyMeter({ bytesRead: () => null, total: 500, report: (bytes) => reports.push(bytes) });
  vi.advanceTimersByTime(2000);
  meter.copied(100);
  expect(reports).toEqual([100]);
});
