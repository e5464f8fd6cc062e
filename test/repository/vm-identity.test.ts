import { describe, expect, test } from 'vitest';
import {
  identityOf,
  isForeign,
  isSameVm,
  ownerOf,
  vmsUnder,
  type Machine,
  type OwnedPoint,
} from '../../src/repository/vm-identity.ts';
import { random } from '../support/random.ts';

const point = (more: Partial<OwnedPoint> = {}): OwnedPoint => ({
  backupId: 'p1',
  created: 1,
  identity: null,
  instanceUuid: null,
  plan: 'nightly',
  kept: false,
  disks: [{ number: 0, uuid: 'disk-a' }],
  ...more,
});
const machine = (more: Partial<Machine> = {}): Machine => ({
  instanceUuid: null,
  disks: ['disk-b'],
  plan: 'other',
  ...more,
});
const ofA = point({ identity: 'A', instanceUuid: 'A' });
const keptPoint = point({ plan: 'keep-boot-1', kept: true });
const adopted = point({ identity: 'disk-b' });

describe('whether a VM is the one whose restore points are under its name', () => {
  test.each<[string, Partial<Machine>, readonly OwnedPoint[], boolean]>([
    ['nothing is there', { instanceUuid: 'B' }, [], true],
    ['the same uuid', { instanceUuid: 'A' }, [ofA], true],
    ['another uuid', { instanceUuid: 'B' }, [ofA], false],
    ['another uuid, a clone with the same disks', { instanceUuid: 'B', disks: ['disk-a'] }, [ofA], false],
    ['another uuid, the same plan', { instanceUuid: 'B', plan: 'nightly' }, [ofA], false],
    ['the uuid of an older VM', { instanceUuid: 'A' }, [ofA, point({ identity: 'B' })], false],
    ['the uuid of the newest that says one', { instanceUuid: 'A' }, [ofA, point()], true],
    ['another than the newest that says one', { instanceUuid: 'B' }, [ofA, point()], false],
    ['manifests without a uuid, known disks', { instanceUuid: 'B', disks: ['disk-a'] }, [point()], true],
    ['manifests without a uuid, the same plan', { instanceUuid: 'B', plan: 'nightly' }, [point()], true],
    ['manifests without a uuid, nothing in common', { instanceUuid: 'B' }, [point()], false],
    ['manifests without a uuid or a plan', { instanceUuid: 'B' }, [point({ plan: null })], true],
    ['images, a known disk', { disks: ['disk-b', 'disk-a'] }, [point()], true],
    ['images, a disk of an older point', { disks: ['disk-a'] }, [point(), point({ disks: [] })], true],
    ['images, other disks of the same plan', { plan: 'nightly' }, [point()], true],
    ['images, other disks of another plan', {}, [point()], false],
    ['images, other disks, after a kept point', { plan: 'nightly' }, [point(), keptPoint], true],
    ['images, other disks of the plan of a kept point', { plan: 'keep-boot-1' }, [point(), keptPoint], false],
    ['images under the name of a VM with a uuid', { plan: 'nightly' }, [ofA], false],
    ['images with a disk of that VM', { disks: ['disk-a'] }, [ofA], true],
    ['images that were adopted by their disk', {}, [point({ identity: 'disk-b' })], true],
    [
      'those, with other disks since',
      { disks: ['disk-c'], plan: 'p' },
      [point({ identity: 'disk-b' }), point({ plan: 'p' })],
      true,
    ],
    ['the disks that images had before they were adopted', { disks: ['disk-a'], plan: 'nightly' }, [adopted], false],
    [
      'those, once there are points of the new disks',
      { disks: ['disk-a'], plan: 'nightly' },
      [adopted, point({ plan: 'p', disks: [{ number: 1, uuid: 'disk-b' }] })],
      false,
    ],
    ['a uuid where images were adopted', { instanceUuid: 'B', disks: ['x'] }, [point({ identity: 'disk-b' })], false],
  ])('%s', (_name, wanted, points, expected) => {
    expect(isSameVm(machine(wanted), points)).toBe(expected);
  });
});

test('what somebody said of a restore point counts more than its manifest', () => {
  const said = { adopted: { identity: 'B', since: 1, by: 'root' } };
  expect(identityOf({ instance_uuid: 'A' }, said)).toBe('B');
  expect(identityOf({ instance_uuid: 'A' }, null)).toBe('A');
  expect(identityOf({ instance_uuid: null }, { adopted: null })).toBe(null);
  expect(identityOf({}, undefined)).toBe(null);
});

test('whatever comes in whatever order, no VM goes on with the restore points of another, and one VM has each name', () => {
  const numbers = random('identities');
  for (let round = 0; round < 500; round++) {
    const points: OwnedPoint[] = [];
    for (let step = 0; step < 12; step++) {
      const instanceUuid = numbers.chance(0.2) ? null : `vm-${numbers.int(0, 3)}`;
      const disks = [`disk-of-${instanceUuid ?? 'images'}`];
      const wanted = { instanceUuid, disks, plan: `plan-of-${instanceUuid}` };
      const before = ownerOf(points);
      const same = isSameVm(wanted, points);
      if (!same && numbers.chance(0.2)) {
        // Adopted: all of them are one machine from now on.
        const identity = instanceUuid ?? disks[0] ?? '';
        points.forEach((one, at) => (points[at] = { ...one, identity }));
        expect(isSameVm(wanted, points)).toBe(true);
      } else if (!same) continue;
      else if (before !== null && instanceUuid !== null) expect(before).toBe(instanceUuid);
      points.push(
        point({
          backupId: `p${step}`,
          identity: instanceUuid,
          instanceUuid,
          plan: wanted.plan,
          disks: disks.map((uuid) => ({ number: 0, uuid })),
        }),
      );
      const owner = ownerOf(points);
      // Nothing of what is built upon is of another VM.
      expect(vmsUnder(points).filter(({ identity }) => isForeign({ identity }, owner))).toEqual([]);
    }
  }
});
