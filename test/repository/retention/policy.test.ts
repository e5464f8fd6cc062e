import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepsNothing } from '../../../src/plan/checks/check-retention.ts';
import { ruleNames } from '../../../src/schemas/retention-rules.ts';
import { decideRetention, type PolicyPoint } from '../../../src/repository/retention/policy.ts';
import type { Retention } from '../../../src/schemas/types.ts';
import { keptByModel } from './model.ts';

const hour = 3_600_000;
const zones = ['UTC', 'Europe/London', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns'];
/** Around the ends of summer time, of a year, and of a time when St. John's put its clock back over midnight. */
const moments = [
  '2026-10-25T00:30Z',
  '2026-03-29T01:00Z',
  '2027-01-01T00:00Z',
  '2009-11-01T02:30Z',
  '2026-04-04T15:00Z',
];

const count = fc.integer({ min: 0, max: 6 });
const policies = fc
  .record(
    {
      last: count,
      hourly: count,
      daily: count,
      weekly: count,
      monthly: count,
      yearly: count,
      minAge: fc.constantFrom('0h', '5h', '3d', '2w', '1y'),
    },
    { requiredKeys: [] },
  )
  .map((policy) => policy as Retention);

/** Points at odd distances before `now`, some of them later than it. */
const scenes = fc
  .record({
    base: fc.constantFrom(...moments).map((text) => Date.parse(text)),
    step: fc.constantFrom(17 * 60_000, hour, 7 * hour, 24 * hour, 5 * 24 * hour),
    marks: fc.array(
      fc.record({
        jitter: fc.integer({ min: -3 * hour, max: 3 * hour }),
        protected: fc.boolean().map((flag) => flag),
        broken: fc.constantFrom(false, false, false, true),
      }),
      { maxLength: 60 },
    ),
    ahead: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ base, step, marks, ahead }) => ({
    now: base + ahead * step,
    points: marks.map((mark, at): PolicyPoint => ({
      id: `p${String(at).padStart(3, '0')}`,
      created: base + (at - marks.length + 3) * step + mark.jitter,
      protected: mark.protected && at % 7 === 0,
      broken: mark.broken,
    })),
  }));

const kept = (points: readonly PolicyPoint[], policy: Retention, now: number, zone: string): string[] =>
  decideRetention(points, policy, now, zone)
    .filter(({ keep }) => keep)
    .map(({ id }) => id);

describe('retention, against a model that looks at each point by itself', () => {
  it('keeps exactly what the model keeps', () => {
    fc.assert(
      fc.property(scenes, policies, fc.constantFrom(...zones), ({ points, now }, policy, zone) => {
        expect(kept(points, policy, now, zone)).toEqual(keptByModel(points, policy, now, zone));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps more under a more generous policy, never less', () => {
    fc.assert(
      fc.property(
        scenes,
        policies,
        fc.constantFrom(...ruleNames),
        fc.integer({ min: 1, max: 4 }),
        ({ points, now }, policy, rule, more) => {
          const generous = { ...policy, [rule]: (policy[rule] ?? 0) + more };
          const before = kept(points, policy, now, 'Europe/London');
          expect(new Set(kept(points, generous, now, 'Europe/London'))).toEqual(
            new Set([...kept(points, generous, now, 'Europe/London'), ...before]),
          );
        },
      ),
    );
  });

  it('keeps everything that it kept, when it is applied to what is left', () => {
    fc.assert(
      fc.property(scenes, policies, fc.constantFrom(...zones), ({ points, now }, policy, zone) => {
        const once = new Set(kept(points, policy, now, zone));
        const left = points.filter(({ id }) => once.has(id));
        expect(kept(left, policy, now, zone)).toEqual(left.map(({ id }) => id));
      }),
    );
  });

  it('does not depend on the order of the points', () => {
    fc.assert(
      fc.property(scenes, policies, ({ points, now }, policy) => {
        const there = kept(points, policy, now, 'UTC');
        expect(kept(points.toReversed(), policy, now, 'UTC').toReversed()).toEqual(there);
      }),
    );
  });

  it('always keeps what is protected, the newest sound point, and what was made in the future', () => {
    fc.assert(
      fc.property(scenes, policies, ({ points, now }, policy) => {
        const stays = new Set(kept(points, policy, now, 'UTC'));
        for (const point of points) if (point.protected || point.created > now) expect(stays).toContain(point.id);
        const sound = points.filter(({ broken, created }) => !broken && created <= now);
        const newest = sound.toSorted((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1)).at(-1);
        if (newest) expect(stays).toContain(newest.id);
      }),
    );
  });
});

const at = (text: string, more: Partial<PolicyPoint> = {}): PolicyPoint => ({
  id: text,
  created: Date.parse(text),
  protected: false,
  broken: false,
  ...more,
});
const reasonsOf = (points: readonly PolicyPoint[], policy: Retention, now: string, zone = 'UTC'): unknown =>
  Object.fromEntries(
    decideRetention(points, policy, Date.parse(now), zone).map(({ id, keep, reasons }) => [
      id,
      keep ? reasons : 'goes',
    ]),
  );

describe('retention in single cases', () => {
  it('counts days on the calendar of the time zone', () => {
    const points = [at('2026-06-01T22:30Z'), at('2026-06-01T23:30Z'), at('2026-06-02T22:30Z')];
    expect(reasonsOf(points, { daily: 2 }, '2026-06-03T00:00Z', 'Europe/London')).toEqual({
      '2026-06-01T22:30Z': ['daily 2026-06-01'],
      '2026-06-01T23:30Z': 'goes',
      '2026-06-02T22:30Z': ['newest', 'daily 2026-06-02'],
    });
    expect(reasonsOf(points, { daily: 2 }, '2026-06-03T00:00Z')).toEqual({
      '2026-06-01T22:30Z': 'goes',
      '2026-06-01T23:30Z': ['daily 2026-06-01'],
      '2026-06-02T22:30Z': ['newest', 'daily 2026-06-02'],
    });
  });

  it('counts an hour that the clock shows twice as two', () => {
    const points = [at('2026-10-25T00:10Z'), at('2026-10-25T01:10Z'), at('2026-10-25T02:10Z')];
    expect(reasonsOf(points, { hourly: 3 }, '2026-10-25T03:00Z', 'Europe/London')).toEqual({
      '2026-10-25T00:10Z': ['hourly 2026-10-25 01h'],
      '2026-10-25T01:10Z': ['hourly 2026-10-25 01h'],
      '2026-10-25T02:10Z': ['newest', 'hourly 2026-10-25 02h'],
    });
  });

  it('counts weeks from Monday, and the first week of a year as ISO 8601 does', () => {
    const points = [at('2026-12-27T23:00Z'), at('2026-12-28T01:00Z'), at('2027-01-03T01:00Z'), at('2027-01-04T01:00Z')];
    expect(reasonsOf(points, { weekly: 9 }, '2027-01-05T00:00Z')).toEqual({
      '2026-12-27T23:00Z': ['weekly 2026-W52'],
      '2026-12-28T01:00Z': 'goes',
      '2027-01-03T01:00Z': ['weekly 2026-W53'],
      '2027-01-04T01:00Z': ['newest', 'weekly 2027-W01'],
    });
  });

  it('passes over periods that have no point', () => {
    const points = [at('2020-01-05T00:00Z'), at('2024-01-05T00:00Z'), at('2026-01-05T00:00Z')];
    expect(reasonsOf(points, { yearly: 2 }, '2026-06-01T00:00Z')).toEqual({
      '2020-01-05T00:00Z': 'goes',
      '2024-01-05T00:00Z': ['yearly 2024'],
      '2026-01-05T00:00Z': ['newest', 'yearly 2026'],
    });
  });

  it('takes a sound point instead of a newer broken one, and a broken one where a period has no other', () => {
    const points = [
      at('2026-06-01T01:00Z', { broken: true }),
      at('2026-06-02T01:00Z', { broken: true }),
      at('2026-06-03T01:00Z'),
      at('2026-06-03T02:00Z', { broken: true }),
    ];
    expect(reasonsOf(points, { daily: 2 }, '2026-06-04T00:00Z')).toEqual({
      '2026-06-01T01:00Z': ['daily 2026-06-01, broken'],
      '2026-06-02T01:00Z': ['daily 2026-06-02, broken'],
      '2026-06-03T01:00Z': ['newest', 'daily 2026-06-03'],
      '2026-06-03T02:00Z': 'goes',
    });
    expect(reasonsOf(points, { daily: 1 }, '2026-06-04T00:00Z')).toMatchObject({ '2026-06-02T01:00Z': 'goes' });
  });

  it('keeps what was made in the future or at no time, and counts neither', () => {
    const points = [
      at('2026-06-01T01:00Z'),
      at('2026-06-02T01:00Z'),
      at('2026-06-09T01:00Z'),
      at('never', { created: Number.NaN }),
      at('beyond', { created: Number.POSITIVE_INFINITY }),
    ];
    expect(reasonsOf(points, { last: 1 }, '2026-06-03T00:00Z')).toEqual({
      '2026-06-01T01:00Z': 'goes',
      '2026-06-02T01:00Z': ['newest', 'last 1'],
      '2026-06-09T01:00Z': ['made in the future'],
      'never': ['its time is unknown'],
      'beyond': ['its time is unknown'],
    });
  });

  it('says which policies keep nothing', () => {
    for (const policy of [{ last: 0 }, { daily: 0, minAge: '0d' }, { timezone: 'UTC' }])
      expect(keepsNothing(policy)).toBe(true);
    for (const policy of [{ last: 1 }, { last: 0, yearly: 1 }, { minAge: '1h' }])
      expect(keepsNothing(policy)).toBe(false);
  });
});
