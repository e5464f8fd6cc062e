import { describe, expect, test } from 'vitest';
import { parsePoint, reasonOf } from '../../../src/plan/times/point-words.ts';
import type { SendenseError } from '../../../src/errors/sendense-error.ts';

const now = Date.parse('2026-11-22T23:30:00Z');
const parse = (text: string, zone = 'Europe/Berlin') => parsePoint(text, { now, zone: () => zone });

function refusal(text: string, zone = 'Europe/Berlin'): string {
  try {
    parse(text, zone);
  } catch (error) {
    const { code, message, remedy } = error as SendenseError;
    return `${code}: ${message} ${remedy}`;
  }
  return 'nothing was refused';
}

test.each([
  ['latest', 'latest'],
  [' Latest ', 'latest'],
  ['20261121T013000Z-4f2a91', '20261121T013000Z-4f2a91'],
  ['my-own.id_1', 'my-own.id_1'],
  ['before-the-move', 'before-the-move'],
])('%s names a restore point', (text, choice) => expect(parse(text)).toBe(choice));

test.each([
  ['2026-11-22', '2026-11-22T00:00:00+01:00', '2026-11-23T00:00:00+01:00'],
  ['today', '2026-11-23T00:00:00+01:00', '2026-11-24T00:00:00+01:00'],
  ['Yesterday', '2026-11-22T00:00:00+01:00', '2026-11-23T00:00:00+01:00'],
  ['2026-11-22Z', '2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['yesterday UTC', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'],
  ['2026-11-22 America/New_York', '2026-11-22T00:00:00-05:00', '2026-11-23T00:00:00-05:00'],
  ['2026-11-22+05:45', '2026-11-22T00:00:00+05:45', '2026-11-23T00:00:00+05:45'],
  // Days of 23 and of 25 hours.
  ['2026-03-29', '2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00'],
  ['2026-10-25', '2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00'],
])('%s is a day', (text, from, before) => expect(parse(text)).toEqual({ from, before }));

test('a day begins when its first moment is shown, also where that is not midnight, or midnight is there twice', () => {
  expect(parse('2018-11-04', 'America/Sao_Paulo')).toEqual({
    from: '2018-11-04T01:00:00-02:00',
    before: '2018-11-05T00:00:00-02:00',
  });
  expect(parse('2026-11-01', 'America/Havana')).toEqual({
    from: '2026-11-01T00:00:00-04:00',
    before: '2026-11-02T00:00:00-05:00',
  });
});

test.each([
  ['2026-11-22T18:00+01:00', '2026-11-22T18:00:00+01:00'],
  ['2026-11-22T18:00Z', '2026-11-22T18:00:00Z'],
  ['2026-11-22t18:00z', '2026-11-22T18:00:00Z'],
  ['2026-11-22 18:00', '2026-11-22T18:00:00+01:00'],
  ['2026-11-22T18:00:05.250', '2026-11-22T18:00:05.250+01:00'],
  ['2026-11-22 18:00 Asia/Kathmandu', '2026-11-22T18:00:00+05:45'],
  ['2026-11-22T18:00[Asia/Tokyo]', '2026-11-22T18:00:00+09:00'],
  ['2026-11-22T18:00-0330', '2026-11-22T18:00:00-03:30'],
  ['yesterday 18:00', '2026-11-22T18:00:00+01:00'],
  ['yesterday 18:00 UTC', '2026-11-21T18:00:00Z'],
  ['today 00:10', '2026-11-23T00:10:00+01:00'],
  // In the other half of the hour that is there twice, and beside the one that is not there.
  ['2026-10-25T02:30+01:00', '2026-10-25T02:30:00+01:00'],
  ['2026-10-25 01:59', '2026-10-25T01:59:00+02:00'],
  ['2026-10-25 03:00', '2026-10-25T03:00:00+01:00'],
  ['2026-03-29 01:59', '2026-03-29T01:59:00+01:00'],
  ['2026-03-29 03:00', '2026-03-29T03:00:00+02:00'],
])('%s is a time', (text, at) => expect(parse(text)).toEqual({ at }));

test.each([
  ['before 2026-11-20T01:00Z', '2026-11-20T01:00:00Z'],
  ['before 2026-11-20', '2026-11-20T00:00:00+01:00'],
  ['before=2026-11-20', '2026-11-20T00:00:00+01:00'],
  ['before yesterday', '2026-11-22T00:00:00+01:00'],
  ['before yesterday 18:00', '2026-11-22T18:00:00+01:00'],
])('%s is what was before', (text, before) => expect(parse(text)).toEqual({ before }));

describe('what the clocks of a zone do not tell is refused, with the ways out', () => {
  test('a time that they showed twice', () => {
    const said = refusal('2026-10-25 02:30');
    expect(said).toContain('usage: --point 2026-10-25 02:30: the clocks of Europe/Berlin showed that time twice');
    expect(said).toContain('2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00');
    expect(refusal('before 2026-04-05 01:45', 'Australia/Lord_Howe')).toContain('+11:00 or 2026-04-05T01:45:00+10:30');
  });

  test('a time that they never showed', () => {
    const said = refusal('2026-03-29 02:30');
    expect(said).toContain('never showed that time: they went from 02:00 to 03:00');
    expect(said).toContain('2026-03-29T03:00:00+02:00');
    expect(refusal('2018-11-04 00:30', 'America/Sao_Paulo')).toContain('from 00:00 to 01:00');
    // A day that Samoa left out.
    expect(refusal('2011-12-30 12:00', 'Pacific/Apia')).toContain('never showed that time');
  });
});

test.each([
  ['2026-13-01', 'the calendar has no such day'],
  ['2026-02-30', 'the calendar has no such day'],
  ['2026-11-22 25:00', 'the clock has no such time'],
  ['2026-11-22 18:60', 'the clock has no such time'],
  ['2026-11-22 18:00 Europe/Berlim', 'there is no time zone Europe/Berlim'],
  ['2026-11-22T18:00+15:00', 'there is no time zone +15:00'],
  ['22.11.2026', 'not a restore point, a day or a time|that is not a day or a time'],
  ['2026-11-2', 'that is not a day or a time'],
  ['18:00', 'that is not a day or a time'],
  ['yesterday evening', 'time zone evening|not a day or a time'],
  ['before foo', 'foo is not a day or a time'],
  ['before', 'before what?'],
  ['a b', 'that is not a restore point, a day or a time'],
  ['', 'that is not a restore point'],
])('%s is refused: %s', (text, why) =>
  expect(refusal(text)).toMatch(new RegExp(`^usage: --point .*(${why.replaceAll('?', '\\?').replaceAll('+', '\\+')})`)),
);

test('why it is this one is said with the times that were meant', () => {
  expect(reasonOf(parse('latest'))).toBe('the latest');
  expect(reasonOf(parse('2026-11-22'))).toBe('the last from 2026-11-22T00:00:00+01:00 until 2026-11-23T00:00:00+01:00');
  expect(reasonOf(parse('before 2026-11-22 18:00'))).toBe('the last before 2026-11-22T18:00:00+01:00');
  expect(reasonOf(parse('2026-11-22 18:00'))).toBe('the last made by 2026-11-22T18:00:00+01:00');
});
