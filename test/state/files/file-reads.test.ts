import { expect, test } from 'vitest';
import { listReads, noteReads } from '../../../src/state/files/file-reads.ts';
import { temporaryState } from '../temporary-state.ts';

const read = (at: number) => ({
  runId: '20261123T145319Z-667ec1',
  who: 'hub-api',
  address: '192.0.2.7',
  repository: 'primary',
  context: 'pgtest1',
  backupId: '20261123T145312Z-1fe4ef',
  action: 'archive' as const,
  volume: 'disk-0p1',
  path: Buffer.from(`srv/${at}`),
});

test('what was asked for together is written down in one transaction, each with its path', async () => {
  await using temporary = await temporaryState();
  const { state } = temporary;
  let transactions = 0;
  const counting = {
    ...state,
    transaction: <T>(work: () => T, lasts?: 'process'): T => {
      transactions++;
      return state.transaction(work, lasts);
    },
  };
  noteReads(
    counting,
    Array.from({ length: 5000 }, (_, at) => read(at)),
  );
  noteReads(counting, []);
  expect(transactions).toBe(1);
  const rows = listReads(state, { limit: 10_000 });
  expect(rows.map(({ path }) => Buffer.from(path ?? '').toString())).toEqual(
    Array.from({ length: 5000 }, (_, at) => `srv/${at}`),
  );
  expect(rows[0]).toMatchObject({ who: 'hub-api', ended: rows[0]?.at, volume: 'disk-0p1', bytes: null, error: null });
});
