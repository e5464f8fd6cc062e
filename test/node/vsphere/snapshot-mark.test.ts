import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readMark,
  snapshotDescription,
  snapshotName,
  type SnapshotMark,
} from '../../../src/node/vsphere/snapshot-mark.ts';

const mark: SnapshotMark = {
  job: 'job-7',
  backup: '20260102T030405-abcd',
  node: 'node-1',
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
};

describe('the mark of a snapshot', () => {
  it('is one line that people can read', () => {
    expect(snapshotName(mark)).toBe('sendense-20260102T030405-abcd');
    expect(snapshotDescription(mark)).toBe(
      'sendense-snapshot/1 job=job-7 backup=20260102T030405-abcd node=node-1 time=2026-01-02T03:04:05.678Z',
    );
  });

  it('is read back as it was, whatever the ids are', () => {
    const id = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' });
    const marks = fc.record({
      job: id,
      backup: fc.option(id),
      node: id,
      time: fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }).map(Number),
    });
    fc.assert(
      fc.property(marks, (any) => {
        expect(readMark(snapshotName(any), snapshotDescription(any))).toEqual(any);
        expect(snapshotName(any).length).toBeLessThanOrEqual(80);
        expect(snapshotDescription(any)).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it.each([
    ['another product with our prefix', 'sendense-nightly', 'made by hand'],
    ['no description', 'sendense-x', ''],
    ['another version', snapshotName(mark), snapshotDescription(mark).replace('/1', '/2')],
    ['a renamed one', 'before the upgrade', snapshotDescription(mark)],
    ['no job', snapshotName(mark), snapshotDescription(mark).replace('job=job-7 ', '')],
    ['no node', snapshotName(mark), snapshotDescription(mark).replace('node=node-1 ', '')],
    ['no time', snapshotName(mark), snapshotDescription(mark).replace(/time=.*/, 'time=yesterday')],
    ['words of a person behind it', snapshotName(mark), `${snapshotDescription(mark)} do not remove!`],
    ['a field twice', snapshotName(mark), `${snapshotDescription(mark)} job=job-8`],
    ['a broken escape', snapshotName(mark), snapshotDescription(mark).replace('job=job-7', 'job=%zz')],
  ])('is not seen in %s', (_what, name, description) => {
    expect(readMark(name, description)).toBeNull();
  });
});
