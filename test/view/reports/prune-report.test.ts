import { describe, expect, it } from 'vitest';
import type { PrunedPoint, PruneOutput } from '../../../src/schemas/types.ts';
import { pruneReport } from '../../../src/view/reports/prune-report.ts';
import { makeStyle } from '../../../src/view/style.ts';
import { widthOf } from '../../../src/view/text.ts';

const pointAt = (local: string, more: Partial<PrunedPoint> = {}): PrunedPoint => ({
  backup_id: `${local.replaceAll(/[-: ]/g, '')}00Z-4f2a91`,
  created: 0,
  local,
  kind: 'incremental',
  keep: false,
  reasons: [],
  merges: [],
  held_bytes: 1024 ** 2,
  ...more,
});

const output = (vms: PruneOutput['vms'], more: Partial<PruneOutput> = {}): PruneOutput => ({
  version: 1,
  repository: 'primary',
  retention: { daily: 2, minAge: '1d', timezone: 'Europe/London' },
  timezone: 'Europe/London',
  now: 0,
  vms,
  unmatched: [],
  freed: { at_least: 0, at_most: 0 },
  ...more,
});

const vm = (points: PrunedPoint[], freed = { at_least: 1024, at_most: 1024 }): PruneOutput['vms'][number] => ({
  vm: 'pgtest1',
  error: null,
  remarks: [],
  points,
  freed,
});

const plain = { style: makeStyle({ colour: false, unicode: true }), columns: 80 };

describe('the calendar of a prune', () => {
  it('has a line a week, a mark a point, and leaves out weeks without one', () => {
    const heir = '20261102013000Z-4f2a91';
    const points = [
      pointAt('2026-09-28 01:30', { merges: [{ disk: 'disk-0', into: heir }] }),
      pointAt('2026-10-31 01:30', { merges: [{ disk: 'disk-0', into: heir }] }),
      pointAt('2026-11-01 01:30'),
      pointAt('2026-11-01 13:30', { keep: true, reasons: ['daily 2026-11-01'] }),
      pointAt('2026-11-02 01:30', { keep: true, reasons: ['newest', 'daily 2026-11-02'] }),
    ];
    expect(pruneReport(output([vm(points)], { freed: { at_least: 1024, at_most: 1024 } }), plain)).toEqual([
      'Retention daily 2, younger than 1d in repository primary, times in Europe/London',
      '',
      'pgtest1: 2 of 5 restore points stay, 3 go; about 1 KiB freed',
      '',
      '            Mon     Tue     Wed     Thu     Fri     Sat     Sun',
      '  Sep 2026  28 ○',
      '  Nov 2026                                          31 ○     1 ○●',
      '             2 ●',
      '            ● stays  ○ goes',
      '',
      '  goes   20260928013000Z-4f2a91  1 MiB  into 20261102013000Z-4f2a91',
      '  goes   20261031013000Z-4f2a91  1 MiB  into 20261102013000Z-4f2a91',
      '  goes   20261101013000Z-4f2a91  1 MiB  no rule keeps it',
      '  stays  20261101133000Z-4f2a91  1 MiB  daily 2026-11-01',
      '  stays  20261102013000Z-4f2a91  1 MiB  newest, daily 2026-11-02',
      '',
      '1 VM: 2 of 5 restore points stay, 3 go; about 1 KiB freed',
    ]);
  });

  it('counts where a day has more than four', () => {
    const points = Array.from({ length: 24 }, (_, hour) =>
      pointAt(`2026-11-20 ${String(hour).padStart(2, '0')}:00`, { keep: hour > 20 }),
    );
    expect(pruneReport(output([vm(points)]), plain)).toContain('  Nov 2026                                  20 3/24');
  });

  it('says why nothing goes, what is in doubt, and which pattern fits no VM', () => {
    const error = { code: 'prune.refused', message: 'the clock is wrong', remedy: 'Set it.', position: null };
    const refused = { ...vm([]), error, freed: { at_least: 0, at_most: 0 } };
    const ranged = { ...vm([pointAt('2026-11-20 01:00')], { at_least: 0, at_most: 2048 }), remarks: ['odd'] };
    const text = pruneReport(output([refused, ranged], { unmatched: ['web*'] }), plain).join('\n');
    for (const part of ['pgtest1: nothing goes', 'the clock is wrong', 'Set it.', 'at most 2 KiB', 'odd', 'web*'])
      expect(text).toContain(part);
  });

  it.each([40, 60, 80])('fits in %i columns', (columns) => {
    const points = [
      pointAt('2026-11-01 01:30', { keep: true, reasons: ['hourly 2026-11-01 01h', 'weekly 2026-W44', 'yearly 2026'] }),
      pointAt('2026-11-02 01:30', { merges: [{ disk: 'disk-0', into: '20261103013000Z-4f2a91' }] }),
    ];
    const lines = pruneReport(output([vm(points)]), { ...plain, columns });
    const wide = lines.filter((line) => widthOf(line) > columns);
    // The calendar itself is as wide as a week.
    expect(wide.filter((line) => !/Mon|Nov 2026/.test(line))).toEqual([]);
  });
});
