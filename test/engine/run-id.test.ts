import { expect, test } from 'vitest';
import { newRunId } from '../../src/engine/run-id.ts';

test('ten thousand ids of one second are ten thousand', () => {
  const now = Date.parse('2026-11-21T01:30:00.400Z');
  const ids = Array.from({ length: 10_000 }, (_, at) => newRunId(now + (at % 500)));
  expect(new Set(ids).size).toBe(10_000);
  // Whoever sorts names has the newest last.
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^20261121T013000Z-[0-9a-f]{6}$/);
});
