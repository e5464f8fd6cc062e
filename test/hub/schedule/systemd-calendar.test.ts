import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { nextSlot } from '../../../src/hub/schedule/slots.ts';
import { systemdCalendar } from '../../../src/hub/schedule/systemd-calendar.ts';

const from = Date.parse('2026-05-04T10:17:03Z');

/** The next times of any of the lines, as systemd itself counts them. */
function bySystemd(lines: readonly string[], count: number): number[] {
  const times = lines.flatMap((line) => {
    const args = ['calendar', `--iterations=${count}`, `--base-time=@${from / 1000}`, line];
    const { stdout, stderr, status } = spawnSync('systemd-analyze', args, {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    expect(status, `${line}: ${stderr}`).toBe(0);
    return [...stdout.matchAll(/(?:Next elapse|Iter(?:ation|\.) #\d+): \w+ (\S+ \S+) UTC/g)].map(([, time = '']) =>
      Date.parse(`${time.replace(' ', 'T')}Z`),
    );
  });
  return [...new Set(times)].sort((a, b) => a - b).slice(0, count);
}

test.each([
  ['30 1 * * *', 'Europe/London'],
  ['*/15 * * * *', 'UTC'],
  ['0 22 * * 1-5', 'America/New_York'],
  ['0 3 1,15 * *', 'Asia/Kolkata'],
  ['0 3 13 * 5', 'UTC'],
  ['5 4 * JAN,jul SUN', 'Europe/Berlin'],
  ['0 0 * * 7', 'UTC'],
  ['*/20 */6 5-25/10 * ?', 'Europe/London'],
  ['30 0 4 * * *', 'Australia/Lord_Howe'],
  ['@weekly', 'UTC'],
])('%s in %s is due when systemd says', (cron, timezone) => {
  const expected: number[] = [];
  for (let at: number | null = from; expected.length < 6 && (at = nextSlot({ cron, timezone }, at)) !== null;)
    expected.push(at);
  expect(bySystemd(systemdCalendar({ cron, timezone }), 6)).toEqual(expected);
});

test.each(['0 0 L * *', '0 0 15W * *', '0 0 * * 5#2'])('%s: systemd has no words for it', (cron) => {
  expect(() => systemdCalendar({ cron, timezone: 'UTC' })).toThrow(/systemd has no words for/);
});
