import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenWithDependents, planRemoval } from '../../../src/repository/retention/plan-removal.ts';

interface Point {
  readonly backup_id: string;
  readonly disks: readonly {
    readonly number: number;
    readonly parent: string | null;
    readonly capacity_bytes: number;
  }[];
}

const point = (backup_id: string, ...parents: readonly (string | null)[]): Point => ({
  backup_id,
  disks: parents.map((parent, number) => ({ number, parent, capacity_bytes: 1 })),
});

const plan = (points: readonly Point[], keep: string, broken: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    planRemoval(
      points,
      points.map(({ backup_id: id }) => ({
        id,
        keep: keep.includes(id),
        reasons: keep.includes(id) ? ['wanted'] : [],
      })),
      new Set(broken),
    ).map(({ id, keep: stays, reasons, merges }) => [
      id,
      stays ? reasons.join() : merges.map(({ disk, into }) => `${disk}>${into}`).join(),
    ]),
  );

describe('what goes', () => {
  const chain = [point('a', null), point('b', 'a'), point('c', 'b'), point('d', 'c')];

  it('is merged into the next one that stays', () => {
    expect(plan(chain, 'cd')).toEqual({ a: '0>c', b: '0>c', c: 'wanted', d: 'wanted' });
    expect(plan(chain, 'ac')).toEqual({ a: 'wanted', b: '0>c', c: 'wanted', d: '' });
  });

  it('stays where it is broken and needed; the sound ones above it are merged', () => {
    expect(plan(chain, 'd', ['b'])).toEqual({ a: '0>b', b: 'broken, and d is built on it', c: '0>d', d: 'wanted' });
    expect(plan(chain, 'a', ['b', 'c', 'd'])).toEqual({ a: 'wanted', b: '', c: '', d: '' });
  });

  it('stays where two that stay are built on it', () => {
    const fork = [point('a', null), point('b', 'a'), point('c', 'b'), point('d', 'b')];
    expect(plan(fork, 'cd')).toEqual({ a: '0>b', b: 'c and d are built on it', c: 'wanted', d: 'wanted' });
  });

  it('says each disk by itself', () => {
    const grown = [point('a', null), point('b', 'a', null), point('c', 'b', 'b')];
    expect(plan(grown, 'c')).toEqual({ a: '0>c', b: '0>c,1>c', c: 'wanted' });
  });
});

describe('what is built on a broken disk', () => {
  it('is found by the disks that share it', () => {
    const points = [point('a', null, null), point('b', 'a', null), point('c', 'b', 'b')];
    expect([...brokenWithDependents(points, new Map([['a', [1]]]))]).toEqual(['a']);
    expect([...brokenWithDependents(points, new Map([['a', [0]]]))].sort()).toEqual(['a', 'b', 'c']);
    expect([...brokenWithDependents(points, new Map([['b', []]]))].sort()).toEqual(['b', 'c']);
  });

  it('ends with circles, unknown parents and unknown points', () => {
    const points = [point('a', 'b'), point('b', 'a'), point('c', 'gone')];
    expect(
      [
        ...brokenWithDependents(
          points,
          new Map([
            ['a', []],
            ['zzz', [0]],
          ]),
        ),
      ].sort(),
    ).toEqual(['a', 'b']);
  });
});

it('never lets go of what a point that stays needs without merging it', () => {
  const chains = fc.array(
    fc.record({ parent: fc.nat(9), keep: fc.boolean(), broken: fc.constantFrom(false, false, true) }),
    {
      maxLength: 10,
    },
  );
  fc.assert(
    fc.property(chains, (drafts) => {
      const points = drafts.map(({ parent }, at) => point(`p${at}`, parent < at ? `p${parent}` : null));
      const broken = brokenWithDependents(
        points,
        new Map(drafts.flatMap((draft, at) => (draft.broken ? [[`p${at}`, [0]] as const] : []))),
      );
      const planned = planRemoval(
        points,
        drafts.map(({ keep }, at) => ({ id: `p${at}`, keep, reasons: keep ? ['wanted'] : [] })),
        broken,
      );
      const byId = new Map(planned.map((entry) => [entry.id, entry]));
      for (const [at, draft] of drafts.entries()) if (draft.keep) expect(byId.get(`p${at}`)?.keep).toBe(true);
      for (const { backup_id: id, disks } of points) {
        if (!byId.get(id)?.keep) continue;
        let below = disks[0]?.parent ?? null;
        for (let entry = byId.get(below ?? ''); entry && !entry.keep; entry = byId.get(below ?? '')) {
          expect(entry.merges).toEqual([{ disk: 0, into: id }]);
          expect(broken.has(entry.id)).toBe(false);
          below = points.find(({ backup_id }) => backup_id === entry?.id)?.disks[0]?.parent ?? null;
        }
      }
    }),
  );
});
