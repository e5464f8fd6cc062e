import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { makeRaw, MiB, sameContent, writeInto } from '../host/disk-images.ts';
import { backup } from './backup-run.ts';
import { isLockRecord, stepBench } from './step-bench.ts';

describe('the steps of a backup, one after the other', () => {
  test('make a full and an incremental that hold what the source held, and leave nothing beside them', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 3 * MiB + 512, [0, MiB], [3 * MiB, 512]);
    await makeRaw(bench.folder.file('b.raw'), 2 * MiB, [MiB, 65_536]);
    const first = await backup(bench, { run: 'run-000001', disks: ['a.raw', 'b.raw'] });
    expect(first.disks.map(({ mode }) => mode)).toEqual(['full', 'full']);
    await writeInto(bench.folder.file('a.raw'), [65_536, Buffer.alloc(65_536)], [2 * MiB, 10]);
    const second = await backup(bench, { run: 'run-000002', disks: ['a.raw', 'b.raw'] });
    expect(second.disks.map(({ mode, bytes_transferred }) => [mode, bytes_transferred])).toEqual([
      ['incremental', 131_072],
      ['incremental', 0],
    ]);
    for (const [at, name] of ['a.raw', 'b.raw'].entries())
      expect(await sameContent(second.disks[at]?.path ?? '', bench.folder.file(name))).toBe(true);
    const names = await readdir(bench.folder.file('repository'), { recursive: true });
    const files = names.filter((name) => !isLockRecord(name));
    expect(files.filter((name) => name.endsWith('.sendense-part'))).toEqual([]);
    expect(files).toHaveLength(1 + 1 + 2 + 2 * (1 + 4));
  });
});
