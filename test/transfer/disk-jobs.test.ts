import { expect, test } from 'vitest';
import { diskJobsOf } from '../../src/transfer/disk-jobs.ts';
import { parseNbdList } from '../../src/host/nbd/nbd-list.ts';
import { createRate } from '../../src/transfer/rate.ts';
import type { BackupStartRequest } from '../../src/schemas/types.ts';

const full = { key: '0', mode: 'full', method: 'full', previous_change_id: null, previous_index: null } as const;
const request = (more: Partial<BackupStartRequest>): BackupStartRequest => ({
  job_id: 'j',
  vm_name: 'vm',
  nbd_targets: '0:nbd://127.0.0.1:10100/a',
  backup_type: 'full',
  source: { type: 'image', disks: [{ path: '/a', format: null, uuid: null, allow_in_use: false, changes: null }] },
  ...more,
});

test('targets are read disk by disk', () => {
  expect([...parseNbdList('2000:nbd://127.0.0.1:10100/a,2001:nbd+unix:///b?socket=%2Fs')]).toEqual([
    ['2000', 'nbd://127.0.0.1:10100/a'],
    ['2001', 'nbd+unix:///b?socket=%2Fs'],
  ]);
});

test.each([
  '',
  '0',
  '0:',
  'nbd://h:1/x',
  '0:http://h/x',
  '0:nbd://h:1/a,',
  '0:nbd://h:1/a,0:nbd://h:1/b',
  '../x:nbd://h:1/a',
  '0:nbd+unix:///x',
])('targets %j are refused', (text) => {
  expect(() => parseNbdList(text)).toThrow(
    expect.objectContaining({ code: 'request.invalid', details: { field: '/nbd_targets' } }),
  );
});

test('without a list of disks the type of the backup counts for all', () => {
  const two = '0:nbd://h:1/a,1:nbd://h:2/b';
  expect(diskJobsOf(request({ nbd_targets: two })).map((job) => job.method)).toEqual(['full', 'full']);
  expect(diskJobsOf(request({ nbd_targets: two, backup_type: 'incremental', previous_change_id: 'c1' }))).toMatchObject(
    [
      { key: '0', method: 'areas', previousChangeId: 'c1' },
      { key: '1', method: 'areas', previousChangeId: 'c1' },
    ],
  );
});

test('requests that contradict themselves are refused with the field', () => {
  const refused: [Partial<BackupStartRequest>, string][] = [
    [{ disks: [{ ...full, method: 'digest' }] }, '/disks/0/method'],
    [{ backup_type: 'incremental', disks: [{ ...full, mode: 'incremental' }] }, '/disks/0/method'],
    [{ disks: [{ ...full, mode: 'incremental', method: 'areas', previous_change_id: 'x' }] }, '/disks/0/mode'],
    [
      { backup_type: 'incremental', disks: [{ ...full, mode: 'incremental', method: 'areas' }] },
      '/disks/0/previous_change_id',
    ],
    [
      {
        backup_type: 'incremental',
        disks: [{ ...full, mode: 'incremental', method: 'digest', previous_change_id: 'x' }],
      },
      '/disks/0/previous_index',
    ],
    [{ disks: [full, full] }, '/disks/1/key'],
    [{ disks: [{ ...full, key: '1' }] }, '/disks/0/key'],
    [{ disks: [full], nbd_targets: '0:nbd://h:1/a,1:nbd://h:2/b' }, '/nbd_targets'],
  ];
  for (const [more, field] of refused) {
    expect(() => diskJobsOf(request(more))).toThrow(
      expect.objectContaining({ code: 'request.invalid', details: { field } }),
    );
  }
});

test('the rate is that of the last seconds', () => {
  const rate = createRate();
  expect(rate.at(0, 0)).toBe(0);
  expect(rate.at(1000, 500)).toBe(500);
  expect(rate.at(20_000, 1_000_000)).toBe(0);
  expect(rate.at(21_000, 1_002_000)).toBe(2000);
  rate.reset();
  expect(rate.at(22_000, 0)).toBe(0);
});
