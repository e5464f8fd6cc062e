import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flushedMeanwhile } from '../../../src/host/files/flushed-meanwhile.ts';

test('what others write is flushed as soon as the file is there, and what they answer or throw comes back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flushed-'));
  try {
    const file = join(folder, 'late');
    const write = async (): Promise<string> => {
      await writeFile(file, 'begin');
      for (let piece = 0; piece < 20; piece++) await appendFile(file, Buffer.alloc(65_536));
      return 'written';
    };
    expect(await flushedMeanwhile(file, write())).toBe('written');
    expect(await flushedMeanwhile(join(folder, 'never'), Promise.resolve(7))).toBe(7);
    await expect(flushedMeanwhile(file, Promise.reject(new Error('full')))).rejects.toThrow('full');
  } finally {
    await rm(folder, { recursive: true });
  }
});
