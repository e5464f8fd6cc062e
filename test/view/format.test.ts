import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { diskBars } from '../../src/view/run/disk-bar.ts';
import { eraseReflowed } from '../../src/view/run/erase-reflowed.ts';
import { formatBytes, formatDuration, formatTimeLeft } from '../../src/view/format.ts';
import { makeStyle } from '../../src/view/style.ts';
import { shortPath } from '../../src/view/reports/error-report.ts';
import { openTerminal } from '../../src/view/terminal.ts';
import { printable, table, widthOf, wrap } from '../../src/view/text.ts';
import { fakeStream } from './fake-terminal.ts';

describe('sizes and times', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1023.9 * 1024, '1 MiB'],
    [2 ** 40 * 2, '2 TiB'],
    [Number.MAX_SAFE_INTEGER, '8 PiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [45, '45 ms'],
    [1234, '1.2 s'],
    [59_940, '59.9 s'],
    [59_999, '1 min 00 s'],
    [3_599_600, '1 h 00 min'],
    [90_000_000, '1 d 01 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('says what is left without false precision', () => {
    expect([900, 61_000, 7_800_000].map(formatTimeLeft)).toEqual(['1 s', '1 min', '2 h 10 min']);
  });

  it('never takes more than eight columns for a size', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => formatBytes(bytes).length <= 8));
  });
});

it('a path is as short as it can be typed, but not by climbing two folders or more', () => {
  vi.spyOn(process, 'cwd').mockReturnValue('/srv/backups/plans/team');
  expect(shortPath('/srv/backups/plans/team/a.yaml')).toBe('a.yaml');
  expect(shortPath('/srv/backups/plans/a.yaml')).toBe('../a.yaml');
  expect(shortPath('/srv/backups/a.yaml')).toBe('/srv/backups/a.yaml');
});

describe('text', () => {
  it('wraps at spaces and leaves a path whole', () => {
    expect(wrap('the file /a/very/long/path/that/is/longer exists', 20)).toEqual([
      'the file',
      '/a/very/long/path/that/is/longer',
      'exists',
    ]);
  });

  it('aligns columns whatever their colour', () => {
    const { red } = makeStyle({ colour: true, unicode: true });
    const [first = '', second = ''] = table([
      [red('ab'), 'x'],
      ['abcd', 'y'],
    ]);
    expect([widthOf(first), widthOf(second)]).toEqual([7, 7]);
  });

  it('lets nothing from outside steer the terminal', () => {
    expect(printable('a\u001b[2Jb\u009bc\rd')).toBe('a?[2Jb?c?d');
  });
});

describe('bars', () => {
  const disk = { disk: 'disk-0', phase: 'copying', bytes_done: 50, bytes_total: 100, rate: 10 };

  it('fits into any width from 30 columns on', () => {
    const style = makeStyle({ colour: false, unicode: true });
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 200 }), fc.maxSafeNat(), fc.maxSafeNat(), (columns, done, rate) => {
        const [line = ''] = diskBars(
          [{ ...disk, bytes_done: done, bytes_total: Number.MAX_SAFE_INTEGER, rate }],
          columns,
          style,
        );
        expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('is full only when all is done, also for nothing at all', () => {
    const style = makeStyle({ colour: false, unicode: false });
    expect(diskBars([{ ...disk, bytes_done: 999, bytes_total: 1000 }], 60, style)[0]).toContain('99 %');
    expect(diskBars([{ ...disk, bytes_done: 0, bytes_total: 0, rate: 0 }], 60, style)[0]).toContain('100 %');
  });
});

describe('a terminal that becomes narrower', () => {
  it('gets as many rows erased as its broken lines have become more', () => {
    expect(eraseReflowed(['x'.repeat(80), 'short'], 80, 40)).toBe('\u001b[2K\u001b[1A');
    expect(eraseReflowed(['x'.repeat(80)], 80, 100)).toBe('');
  });
});

describe('colours and characters', () => {
  const styleFor = (env: Record<string, string>, isTTY = true, noColour = false) =>
    openTerminal({ stdout: fakeStream({ isTTY }), stderr: fakeStream({ isTTY }), env, noColour }).style;

  it.each([
    ['a terminal', {}, true, false, true],
    ['a pipe', {}, false, false, false],
    ['NO_COLOR', { NO_COLOR: '1' }, true, false, false],
    ['an empty NO_COLOR', { NO_COLOR: '' }, true, false, true],
    ['FORCE_COLOR in a pipe', { FORCE_COLOR: '1' }, false, false, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false, false],
    ['--no-color', { FORCE_COLOR: '1' }, true, true, false],
    ['TERM=dumb', { TERM: 'dumb' }, true, false, false],
  ])('%s', (_name, env, isTTY, noColour, colour) => {
    expect(styleFor(env as Record<string, string>, isTTY, noColour).colour).toBe(colour);
  });

  it('uses only ASCII where the locale is not UTF-8', () => {
    expect(styleFor({ LANG: 'en_GB.UTF-8' }).unicode).toBe(true);
    expect(styleFor({ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }).unicode).toBe(false);
    expect(styleFor({}).unicode).toBe(false);
  });
});
