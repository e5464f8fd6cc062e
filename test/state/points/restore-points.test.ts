import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/schemas/types.ts';
import { recordFileTime } from '../../../src/state/database/file-times.ts';
import {
  deletePoint,
  findPoint,
  insertRestorePoint,
  latestPoint,
  pointBefore,
  points,
} from '../../../src/state/points/restore-points.ts';
import { knownDisks } from '../../../src/state/points/vm-disks.ts';
import { temporaryState } from '../temporary-state.ts';

type Disk = Manifest['disks'][number];

const context = { repository: 'primary', context: 'pgtest1' };
const key = (backupId: string) => ({ ...context, backupId });

const disk = (number: number, parent: string | null, more: Partial<Disk> = {}): Disk => ({
  number,
  key: `k${number}`,
  uuid: `uuid-${number}`,
  label: `disk ${number}`,
  source_path: `/images/disk${number}.raw`,
  source_format: 'raw',
  capacity_bytes: 2 ** 41,
  mode: parent === null ? 'full' : 'incremental',
  method: parent === null ? 'full' : 'digest',
  reason: 'because',
  parent,
  path: `disk-${number}/x.qcow2`,
  file_bytes: 196_608,
  file_mtime_ns: '1763683200123456789',
  digest: `sha256:${'0'.repeat(64)}`,
  change_id: number === 0 ? null : 'c1',
  bytes_transferred: 0,
  index: { path: `disk-${number}/x.index`, bytes: 4096, sha256: '1'.repeat(64) },
  ...more,
});

const manifest = (id: string, day: number, disks: Disk[], more: Partial<Manifest> = {}): Manifest => ({
  format: 'sendense-restore-point/1',
  backup_id: id,
  vm: { name: 'pgtest1', context: 'pgtest1' },
  kind: disks[0]?.mode ?? 'full',
  plan: 'nightly',
  run_id: 'r1',
  parent: disks[0]?.parent ?? null,
  started: `2026-11-0${day}T01:30:00.000Z`,
  created: `2026-11-0${day}T01:31:00.000Z`,
  producer: { name: 'sendense', version: '0.1.0', qemu: '7.2.0' },
  disks: disks as Manifest['disks'],
  removed_disks: [{ number: 7, uuid: 'u7', label: 'gone' }],
  warnings: ['torn'],
  checksum: `sha256:${id}`,
  ...more,
});

const full = manifest('b1', 1, [disk(0, null), disk(1, null)]);
const second = manifest('b2', 2, [disk(0, 'b1'), disk(1, null)]);

test('a restore point comes back as its manifest said', () => {
  using temporary = temporaryState();
  expect(insertRestorePoint(temporary.state, 'primary', full)).toBe('inserted');
  const { format: _format, started, created, ...rest } = full;
  expect(findPoint(temporary.state, key('b1'))).toEqual({
    ...rest,
    kept: null,
    before_restore: null,
    restored_in_place: null,
    vm: { ...full.vm, instance_uuid: null, path: null },
    vm_config: null,
    snapshot: null,
    not_protected: [],
    repository: 'primary',
    started: Date.parse(started),
    created: Date.parse(created),
    sequence: Date.parse(created),
  });
});

test('what a VM of vSphere adds comes back, too', () => {
  using temporary = temporaryState();
  const more = {
    vm: { name: 'pgtest1', context: 'pgtest1', instance_uuid: 'i-1', path: '/DC1/vm/pgtest1' },
    vm_config: { path: 'b1.vm-config', bytes: 12, sha256: 'a'.repeat(64) },
    snapshot: {
      name: 'sendense-b1',
      quiesce: 'try',
      quiesced: false,
      note: 'no tools',
      transport: 'vddk',
      transport_reason: 'the first',
    },
    not_protected: [{ label: 'Hard disk 2', uuid: null, reason: 'independent' }],
  } as const;
  insertRestorePoint(temporary.state, 'primary', { ...full, ...more } as unknown as Manifest);
  expect(findPoint(temporary.state, key('b1'))).toMatchObject(more);
});

test('entering it again changes nothing; another content of the same id takes its place', () => {
  using temporary = temporaryState();
  insertRestorePoint(temporary.state, 'primary', full);
  expect(insertRestorePoint(temporary.state, 'primary', full)).toBe('present');
  const other = { ...full, checksum: 'sha256:other', disks: [disk(0, null, { reason: 'new' })] } as Manifest;
  expect(insertRestorePoint(temporary.state, 'primary', other)).toBe('replaced');
  expect(findPoint(temporary.state, key('b1'))?.disks).toEqual([disk(0, null, { reason: 'new' })]);
});

test('latest, before a time, and lists by VM and repository', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  insertRestorePoint(state, 'primary', second);
  insertRestorePoint(state, 'primary', full);
  insertRestorePoint(state, 'other', full);
  expect(latestPoint(state, context)?.backup_id).toBe('b2');
  expect(latestPoint(state, { repository: 'nowhere', context: 'pgtest1' })).toBeUndefined();
  const time = Date.parse(second.created);
  expect(pointBefore(state, context, time)?.backup_id).toBe('b1');
  expect(pointBefore(state, context, time + 1)?.backup_id).toBe('b2');
  expect(pointBefore(state, context, 0)).toBeUndefined();
  expect(points(state, { repository: 'primary', vmName: 'pgtest1' }).map((point) => point.backup_id)).toEqual([
    'b1',
    'b2',
  ]);
  expect(points(state)).toHaveLength(3);
  expect(points(state, { vmName: 'nobody' })).toEqual([]);
});

test('a disk keeps its number, and a contradiction is refused as a whole', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  insertRestorePoint(state, 'primary', full);
  expect(knownDisks(state, context)).toEqual(
    new Map([
      ['uuid-0', 0],
      ['uuid-1', 1],
    ]),
  );
  const swapped = manifest('b3', 3, [disk(0, null, { uuid: 'uuid-1' })]);
  expect(() => insertRestorePoint(state, 'primary', swapped)).toThrow(/disk uuid-1 cannot be disk-0/);
  const taken = manifest('b4', 4, [disk(2, null), disk(1, null, { uuid: 'new' })]);
  expect(() => insertRestorePoint(state, 'primary', taken)).toThrow(
    /disk new cannot be disk-1, for disk uuid-1 is disk-1/,
  );
  expect(points(state)).toHaveLength(1);
  expect(knownDisks(state, context).size).toBe(2);
});

test('a restore point on which another is built is not forgotten before that one', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  insertRestorePoint(state, 'primary', full);
  insertRestorePoint(state, 'primary', second);
  expect(() => deletePoint(state, key('b1'))).toThrow(expect.objectContaining({ code: 'point.needed' }));
  expect(deletePoint(state, key('b2'))).toBe(true);
  expect(deletePoint(state, key('b1'))).toBe(true);
  expect(deletePoint(state, key('b1'))).toBe(false);
  expect(points(state)).toEqual([]);
  expect(knownDisks(state, context).size).toBe(2);
});

test('a new file time is kept for that file alone', () => {
  using temporary = temporaryState();
  insertRestorePoint(temporary.state, 'primary', full);
  recordFileTime(temporary.state, key('b1'), 1, '42');
  expect(findPoint(temporary.state, key('b1'))?.disks.map((one) => one.file_mtime_ns)).toEqual([
    '1763683200123456789',
    '42',
  ]);
});

test('a manifest whose time is none is refused', () => {
  using temporary = temporaryState();
  expect(() => insertRestorePoint(temporary.state, 'primary', { ...full, created: 'yesterday' })).toThrow(
    /created is no time: yesterday/,
  );
});
