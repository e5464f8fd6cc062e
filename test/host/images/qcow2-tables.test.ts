import { open, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { mapOwnData } from '../../../src/host/images/qemu-map.ts';
import { readQcow2Tables } from '../../../src/host/images/qcow2-tables.ts';
import { envelopeDigest, provenBlocks } from '../../../src/repository/envelope.ts';
import { wholeBlocks } from '../../../src/blocks/guest-blocks.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { printedRandom } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';

test('the tables say what qemu-img map says, whatever was written', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const random = printedRandom('qcow2 tables');
  for (let round = 0; round < rounds(6, 200); round++) {
    const file = folder.file(`${round}.qcow2`);
    const size = random.int(1, 2000) * 512 + random.int(0, 3) * 600 * 1024 * 1024;
    await execa('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-o',
      `cluster_size=${random.chance(0.7) ? 65536 : 4096}`,
      file,
      String(size),
    ]);
    const commands = Array.from({ length: random.int(1, 8) }, () => {
      const at = random.int(0, Math.max(1, Math.floor(size / 512) - 1)) * 512;
      const length = Math.min(size - at, random.int(1, 400) * 512);
      return `${random.chance(0.7) ? `write -P ${random.int(1, 255)}` : 'write -z'} ${at} ${length}`;
    });
    await execa('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), file]);
    const tables = await readQcow2Tables(file);
    expect(tables?.virtualSize).toBe(Math.ceil(size / 512) * 512);
    // qemu-img says which of the clusters are holes of the file; joined and cut to blocks they are the same.
    expect(wholeBlocks(tables?.data ?? [], size), commands.join('; ')).toEqual(
      wholeBlocks(await mapOwnData(file), size),
    );
    expect(await provenBlocks(file, await envelopeDigest(file))).not.toBeNull();
  }
});

test('a flipped bit in a table is seen, and what is no such image is left to qemu-img', async () => {
  await using folder = await temporaryFolder();
  const file = folder.file('a.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', file, '1M']);
  await execa('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 200k', file]);
  const expected = await envelopeDigest(file);
  for (const at of [40, 75, 65_540, 131_077, 196_613, 262_150]) {
    await flip(file, at);
    expect(await provenBlocks(file, expected), String(at)).toBeNull();
    await flip(file, at);
  }
  expect(await provenBlocks(file, expected)).not.toBeNull();
  await writeFile(folder.file('empty'), '');
  await writeFile(folder.file('text'), 'QFI\xfb'.padEnd(200, 'x'), 'latin1');
  expect(await readQcow2Tables(folder.file('empty'))).toBeNull();
  expect(await readQcow2Tables(folder.file('text'))).toBeNull();
});

async function flip(file: string, at: number): Promise<void> {
  await using handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await handle.write(byte, 0, 1, at);
}
