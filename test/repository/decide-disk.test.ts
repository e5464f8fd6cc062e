import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideDisk, type DecisionFacts } from '../../src/repository/decide-disk.ts';
import type { ChainVerdict, StoredDisk } from '../../src/repository/verify-chain.ts';
import type { DiskInfo } from '../../src/schemas/types.ts';

const disk: DiskInfo = {
  key: '2000',
  uuid: 'u1',
  label: 'disk0.raw',
  path: '/disks/disk0.raw',
  format: 'raw',
  capacity_bytes: 1000,
  allocated_bytes: null,
  change_tracking: 'digest',
  change_id: null,
  changed_since: null,
  changed_bytes: null,
  still: true,
  warnings: [],
};

const parent: StoredDisk = {
  backupId: 'b1',
  number: 0,
  uuid: 'u1',
  capacity: 1000,
  path: 'vm/disk-0/b1.qcow2',
  indexPath: 'vm/disk-0/b1.index',
  indexSha256: '0'.repeat(64),
  fileBytes: 200,
  fileMtimeNs: '1',
  digest: `sha256:${'0'.repeat(64)}`,
  changeId: 'c1',
  parent: null,
};

const sound: ChainVerdict = { verdict: 'sound' };
const good: DecisionFacts = { disk, wanted: 'auto', lastPoint: 'b1', parent, chain: sound };

const full = { mode: 'full', method: 'full' };
const incremental = (method: 'areas' | 'digest') => ({ mode: 'incremental', method, fallback: false });

/** Every rule of DESIGN.md, section 5: the facts that differ from {@link good}, the decision, the reason. */
const rules: readonly [string, Partial<DecisionFacts>, object, RegExp][] = [
  ['all holds', {}, incremental('digest'), /compared by digest with b1/],
  [
    'the hypervisor keeps track',
    { disk: { ...disk, change_tracking: 'cbt' }, parent: { ...parent, changeId: '52 de/81' } },
    incremental('areas'),
    /changed areas since b1/,
  ],
  [
    'the hypervisor keeps track now, and did not for the parent',
    { disk: { ...disk, change_tracking: 'cbt' }, parent: { ...parent, changeId: 'digest:sha256:0' } },
    incremental('digest'),
    /made without change tracking/,
  ],
  [
    'the hypervisor keeps track, and nobody knows of reverts',
    {
      disk: { ...disk, change_tracking: 'cbt' },
      parent: { ...parent, changeId: '52 de/81' },
      unproven: 'events begin too late',
    },
    incremental('digest'),
    /^compared by digest with b1: events begin too late$/,
  ],
  ['nobody knows of reverts, and all is compared anyway', { unproven: 'x' }, incremental('digest'), /digest with b1$/],
  [
    'the VM was reverted to a snapshot',
    { disk: { ...disk, change_tracking: 'cbt' }, broken: 'the VM was reverted' },
    { ...full, fallback: true },
    /the VM was reverted/,
  ],
  ['the plan asks for a full', { wanted: 'full' }, { ...full, fallback: false }, /the plan asks for a full/],
  ['the plan asks for an incremental', { wanted: 'incremental' }, incremental('digest'), /compared by digest/],
  [
    'there is no restore point',
    { lastPoint: null, parent: null, chain: null },
    { ...full, fallback: true },
    /first backup/,
  ],
  [
    'the disk was added',
    { parent: null, chain: null },
    { ...full, fallback: true },
    /not in the last restore point b1/,
  ],
  [
    'the VM was replaced, and all its disks with it',
    { otherVm: 'another VM has this name now', parent: null, chain: null },
    { ...full, fallback: true },
    /another VM has this name now/,
  ],
  [
    'the VM was replaced by one whose disks have the same uuids',
    { otherVm: 'another VM has this name now' },
    { ...full, fallback: true },
    /another VM has this name now/,
  ],
  [
    'the disk grew',
    { disk: { ...disk, capacity_bytes: 2000 } },
    { ...full, fallback: true },
    /capacity changed from 1000 to 2000 bytes/,
  ],
  [
    'the disk shrank',
    { disk: { ...disk, capacity_bytes: 999 } },
    { ...full, fallback: true },
    /capacity changed from 1000 to 999/,
  ],
  [
    'no change id is recorded',
    { parent: { ...parent, changeId: null } },
    { ...full, fallback: true },
    /no change id is recorded/,
  ],
  [
    'the chain is broken',
    { chain: { verdict: 'broken', reason: 'x.qcow2 is missing' } },
    { ...full, fallback: true },
    /cannot be built on: x\.qcow2 is missing/,
  ],
  [
    'the chain was touched and not compared',
    { chain: { verdict: 'touched', paths: ['x.qcow2'] } },
    { ...full, fallback: true },
    /x\.qcow2 changed since the commit and was not compared/,
  ],
  ['the chain was not looked at', { chain: null }, { ...full, fallback: true }, /not looked at/],
  [
    'the tracker counts from the parent',
    { disk: { ...disk, change_tracking: 'areas', changed_since: 'c1' } },
    incremental('areas'),
    /changed areas since b1/,
  ],
  [
    'the tracker counts from another moment',
    { disk: { ...disk, change_tracking: 'areas', changed_since: 'c0' } },
    incremental('digest'),
    /starts at c0, the parent is at c1/,
  ],
  [
    'the tracker was reset',
    { disk: { ...disk, change_tracking: 'areas', changed_since: null } },
    incremental('digest'),
    /has no start/,
  ],
];

test.each(rules)('%s', (_name, facts, decision, reason) => {
  const decided = decideDisk({ ...good, ...facts });
  expect(decided).toMatchObject(decision);
  expect(decided.reason).toMatch(reason);
});

describe('for any facts', () => {
  const changeId = fc.constantFrom(null, 'c0', 'c1');
  const facts: fc.Arbitrary<DecisionFacts> = fc.record({
    wanted: fc.constantFrom('auto' as const, 'full' as const, 'incremental' as const),
    lastPoint: fc.constantFrom(null, 'b1'),
    parent: fc.oneof(
      fc.constant(null),
      fc.record({ changeId, capacity: fc.constantFrom(1000, 2000) }).map((more) => ({ ...parent, ...more })),
    ),
    chain: fc.constantFrom<ChainVerdict | null>(
      null,
      sound,
      { verdict: 'touched', paths: ['x'] },
      { verdict: 'broken', reason: 'x' },
    ),
    disk: fc
      .record({
        capacity_bytes: fc.constantFrom(1000, 2000),
        change_tracking: fc.constantFrom('areas' as const, 'digest' as const),
        changed_since: changeId,
      })
      .map((more) => ({ ...disk, ...more })),
  });

  test('an incremental is chosen exactly where every condition holds', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const holds =
          given.wanted !== 'full' &&
          given.lastPoint !== null &&
          given.parent !== null &&
          given.parent.changeId !== null &&
          given.parent.capacity === given.disk.capacity_bytes &&
          given.chain?.verdict === 'sound';
        expect(decideDisk(given).mode).toBe(holds ? 'incremental' : 'full');
      }),
      { numRuns: 2000 },
    );
  });

  test('areas are used only where they count from the parent; a full that nobody asked for says so; every decision has a reason', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decided = decideDisk(given);
        if (decided.method === 'areas')
          expect([given.disk.change_tracking, given.disk.changed_since]).toEqual(['areas', given.parent?.changeId]);
        expect(decided.fallback).toBe(decided.mode === 'full' && given.wanted !== 'full');
        expect(decided.method === 'full').toBe(decided.mode === 'full');
        expect(decided.reason.length).toBeGreaterThan(10);
      }),
      { numRuns: 2000 },
    );
  });
});
