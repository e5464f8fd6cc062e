import { expect, test } from 'vitest';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import {
  leftOutPoints,
  leftOutText,
  notReadable,
  orNotReadable,
  perhapsMeant,
} from '../../src/restore-points/choose/left-out.ts';

const first = '20261120T010000Z-aaaaaa';
const second = '20261121T010000Z-bbbbbb';
const third = '20261122T010000Z-cccccc';
const leftOut = leftOutPoints(
  new Map([
    [`vm1/${first}.json`, 'is cut off'],
    [`vm1/${third}.json`, 'is cut off'],
    [`vm1/${second}.marks`, 'is damaged'],
    ['vm2', 'cannot be listed'],
  ]),
);

test('what could not be read in is told by its path; damaged marks leave no restore point out', () => {
  expect(leftOut.map(({ context, backupId }) => [context, backupId])).toEqual([
    ['vm1', first],
    ['vm1', third],
    ['vm2', null],
  ]);
  expect(leftOutText([...leftOut, ...leftOut])).toMatch(/^20261120T010000Z-aaaaaa \(is cut off\); .*; and 3 more$/);
});

test('one that is newer than the one that was chosen, and fits the choice, may have been meant', () => {
  const meant = (choice: Parameters<typeof perhapsMeant>[1]['choice'], than: string | null = second) =>
    perhapsMeant(leftOut, { context: 'vm1', choice, than }).map(({ backupId }) => backupId);
  expect(meant('latest')).toEqual([third]);
  expect(meant('latest', null)).toEqual([first, third]);
  expect(meant('latest', '20261122T010000Z-ffffff'), 'of the same second').toEqual([third]);
  expect(meant(second)).toEqual([]);
  expect(meant({ before: '2026-11-21T12:00:00Z' })).toEqual([]);
  expect(meant({ before: '2026-11-23T00:00:00Z' })).toEqual([third]);
  expect(perhapsMeant(leftOut, { context: 'vm2', choice: 'latest', than: second })).toHaveLength(1);
});

test('a VM, or a restore point, that is there and could not be read in is no unknown one', () => {
  const wayOut = { code: 'chain.damaged', remedy: expect.stringContaining('from a copy of the repository') as string };
  expect(notReadable(leftOut, 'vm1')).toMatchObject({
    ...wayOut,
    message: `VM vm1 has restore points, but none that was meant can be read: ${first} (is cut off); ${third} (is cut off)`,
  });
  expect(notReadable(leftOut, first)).toMatchObject({
    ...wayOut,
    message: `restore point ${first} of VM vm1 is there, but cannot be read: is cut off`,
  });
  expect(notReadable(leftOut, 'vm2')?.message).toContain('VM vm2 has restore points');
  expect(notReadable(leftOut, second)).toBeNull();
  expect(notReadable(leftOut, 'vm3')).toBeNull();
});

test('where nothing fits a choice, what could not be read in and fits it is told', () => {
  const unknown = new SendenseError('point.unknown', 'none');
  const said = (choice: Parameters<typeof perhapsMeant>[1]['choice'], context = 'vm1'): unknown =>
    orNotReadable(unknown, leftOut, { context, choice });
  expect(said(first)).toMatchObject({ code: 'chain.damaged', message: expect.stringContaining(first) as string });
  expect(said({ before: '2026-11-21T12:00:00Z' })).toMatchObject({ code: 'chain.damaged' });
  expect(said({ before: '2026-11-01T12:00:00Z' })).toBe(unknown);
  expect(said(second)).toBe(unknown);
  expect(said('latest', 'vm3')).toBe(unknown);
  const other = new SendenseError('vm.identity', 'two VMs');
  expect(orNotReadable(other, leftOut, { context: 'vm1', choice: 'latest' })).toBe(other);
});
