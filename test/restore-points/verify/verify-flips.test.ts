import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeRunFolder } from '../../../src/host/programs/run-folder.ts';
import { guestBlocksOf } from '../../../src/repository/envelope.ts';
import { markerFault } from '../../../src/repository/open-repository.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { examinePoint, type ContentLevel } from '../../../src/restore-points/verify/examine-point.ts';
import { smallRepository, type SmallRepository } from '../../hub/small-repository.ts';
import { rounds } from '../../support/rounds.ts';

/** xorshift32: the same flips each time. */
function numbers(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

let repository: SmallRepository;
const folderId = `test-flips-${process.pid}`;

beforeAll(async () => {
  repository = await smallRepository();
  await repository.add({
    id: 'b1',
    created: '2026-11-01T00:00:00.000Z',
    writes: [['write -P 17 0 700k', 'write -P 18 3M 64k', 'write -z 1M 128k', 'discard 64k 64k']],
    vmConfig: '{"name":"vm","firmware":"bios"}\n',
  });
  await repository.add({
    id: 'b2',
    parent: 'b1',
    created: '2026-11-02T00:00:00.000Z',
    writes: [['write -P 19 64k 64k', 'write -P 20 2M 4k', 'write -z 0 64k', 'write -c -P 21 2560k 64k']],
  });
  await writeMarks(repository.root, 'vm', 'b2', {
    protected: { since: 1_700_000_000_000, until: null, reason: 'kept for the audit \u001b', by: 'operator' },
  });
});
afterAll(async () => {
  await removeRunFolder(folderId);
  await repository[Symbol.asyncDispose]();
});

/** All that is said of the repository. */
async function faults(level: ContentLevel, ids: readonly string[]): Promise<string[]> {
  const { root, state } = repository;
  const fault = await markerFault(root);
  const found = fault === null ? [] : [`marker ${fault}`];
  for (const backupId of ids) {
    const key = { repository: 'primary', context: 'vm', backupId };
    const verdict = await examinePoint(state, key, level, { root, folderId });
    found.push(...(verdict?.problems ?? []).map(({ path, message }) => `${path} ${message}`));
  }
  return found;
}

async function files(): Promise<string[]> {
  const entries = await readdir(repository.root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(repository.root, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** Bits of a file to flip: of small ones each eleventh or so, of big ones some anywhere and more where qcow2 and index keep their tables. */
async function bitsOf(path: string, random: (below: number) => number): Promise<number[]> {
  const { size } = await stat(join(repository.root, path));
  if (size < 8192) {
    // With a manifest nothing else is looked at, so that more of it can be tried in the same time.
    const step = (path.endsWith('.json') ? 11 : 31) * rounds(9, 1);
    return Array.from({ length: Math.floor((size * 8) / step) }, (_, number) => number * step);
  }
  const some = rounds(4, 25);
  const anywhere = Array.from({ length: some }, () => random(size * 8));
  if (!path.endsWith('.qcow2')) return anywhere;
  const header = Array.from({ length: some }, () => random(600 * 8));
  const { extents } = await guestBlocksOf(join(repository.root, path));
  const inData = (byte: number): boolean => extents.some(({ host, length }) => byte >= host && byte < host + length);
  const tables: number[] = [];
  while (tables.length < 1.6 * some) {
    const bit = random(size * 8);
    if (!inData(bit >> 3)) tables.push(bit);
  }
  return [...anywhere, ...header, ...tables];
}

async function flip(path: string, bit: number): Promise<void> {
  await using handle = await open(join(repository.root, path), 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, bit >> 3);
  byte[0] = (byte[0] ?? 0) ^ (1 << (bit & 7));
  await handle.write(byte, 0, 1, bit >> 3);
}

test('a repository as it was written has no faults at any level', async () => {
  expect(await faults('quick', ['b1', 'b2'])).toEqual([]);
  expect(await faults('digests', ['b1', 'b2'])).toEqual([]);
  expect(await faults('deep', ['b1', 'b2'])).toEqual([]);
});

test('each single flipped bit, in whatever file, is found by level digests', { timeout: 600_000 }, async () => {
  const random = numbers(20_261_121);
  const unseen: string[] = [];
  const counts: Record<string, number> = {};
  for (const path of await files()) {
    // A small file stands for all of its kind: those of b2 differ in the parent alone.
    const id = /b[12]/.exec(path)?.[0];
    const bits = await bitsOf(path, random);
    counts[path] = bits.length;
    for (const bit of bits) {
      await flip(path, bit);
      // The marker belongs to no point; the first is as good as any.
      if ((await faults('digests', id ? [id] : [])).length === 0) unseen.push(`${path} bit ${bit}`);
      await flip(path, bit);
    }
  }
  expect(unseen).toEqual([]);
  expect(Object.keys(counts)).toHaveLength(9);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(rounds(60, 500));
  expect(await faults('deep', ['b1', 'b2'])).toEqual([]);
});

test('of a version before the envelope only the guest data is proven, and that is said', async () => {
  await using older = await smallRepository();
  await older.add({
    id: 'b1',
    created: '2026-11-01T00:00:00.000Z',
    writes: [['write -P 17 0 700k']],
    old: true,
  });
  const { root, state } = older;
  const key = { repository: 'primary', context: 'vm', backupId: 'b1' };
  const examine = (level: ContentLevel) => examinePoint(state, key, level, { root, folderId });
  expect(await examine('digests')).toMatchObject({
    problems: [],
    remarks: [expect.stringContaining('disk-0 has no digest of its qcow2 tables')],
  });
  expect(await examine('deep')).toMatchObject({ problems: [], remarks: [] });
  const image = older.file('vm', 'disk-0', 'b1.qcow2');
  const at = (await guestBlocksOf(image)).extents[0]?.host ?? 0;
  await using handle = await open(image, 'r+');
  await handle.write(Buffer.from([3]), 0, 1, at + 65_536);
  expect((await examine('digests'))?.problems).toMatchObject([
    {
      code: 'content.mismatch',
      disk: 0,
      breaks: true,
      message: expect.stringContaining('offset 65536 of disk-0') as string,
    },
  ]);
});
