import { expect, test } from 'vitest';
import { cursorOf, pageRequest, type PageRules } from '../../src/api/paging.ts';

const rules: PageRules = { usual: 2, most: 5, place: ['number', 'text'] };

test('a cursor leads on in its own list, with its own filters, whatever the limit is', () => {
  const first = pageRequest('runs', { status: 'failed', vm: 'a' }, rules);
  expect(first).toMatchObject({ limit: 2, after: null });
  const cursor = cursorOf([7, 'x'], first) ?? '';
  expect(pageRequest('runs', { vm: 'a', cursor, limit: '5', status: 'failed' }, rules)).toMatchObject({
    limit: 5,
    after: [7, 'x'],
  });
  const others: readonly [list: string, query: Record<string, string>][] = [
    ['restores', { status: 'failed', vm: 'a' }],
    ['runs', { status: 'failed', vm: 'b' }],
    ['runs', { status: 'failed' }],
    ['runs', {}],
  ];
  for (const [list, query] of others)
    expect(() => pageRequest(list, { ...query, cursor }, rules)).toThrow('cursor is not one of this list');
  for (const junk of [`${cursor}!!!`, `${cursor}==`, `${cursor}\n`, '', 'bnVsbA', 'W10'])
    expect(() => pageRequest('runs', { status: 'failed', vm: 'a', cursor: junk }, rules)).toThrow('cursor');
  expect(cursorOf(null, first)).toBeNull();
});
