import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openStored } from '../../src/files/reader/stored-files.ts';
import { storedIn, type Area } from '../../src/files/reader/stored.ts';
import { layersOf } from '../../src/host/images/image-layers.ts';
import { targetOf, type ImageKey } from '../../src/host/images/image-options.ts';
import { convertImage, createQcow2 } from '../../src/host/images/qemu-img.ts';
import { runTool } from '../../src/host/programs/process.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';

hurryKdf();

const MiB = 1024 * 1024;
const key: ImageKey = { id: '0'.repeat(16), passphrase: 'a passphrase of many characters, with spaces' };

/** Three images, each with pieces of its own: data, zeros over data, compressed data. */
async function chain(folder: TemporaryFolder, keys: readonly (ImageKey | null)[] = [null, null, null]) {
  const pieces = [
    ['write -P 1 0 3M', 'write -P 2 8M 64k'],
    ['write -P 3 1M 256k', 'write -z 2M 128k'],
    ['write -P 4 2560k 128k', 'write -c -P 5 10M 64k', 'write -P 6 20480 4096'],
  ];
  let file = '';
  for (const [at, commands] of pieces.entries()) {
    const below = file === '' ? null : `${at - 1}.qcow2`;
    file = folder.file(`${at}.qcow2`);
    await createQcow2(file, 16 * MiB, below, undefined, keys[at] ?? undefined);
    const { name, objects, secret } = targetOf(await layersOf(file), { key });
    const words = commands.filter((command) => !keys[at] || !command.includes('-c')).flatMap((one) => ['-c', one]);
    await runTool('qemu-io', [...objects, ...words, name], { secret });
  }
  return file;
}

async function read(file: string, areas: readonly Area[]) {
  const layers = await layersOf(file);
  const stored = await storedIn(layers, targetOf(layers, { key }))(areas);
  const shown = Buffer.alloc(16 * MiB, 0xee);
  await using files = openStored();
  for (const { offset, length, in: place } of stored) {
    const piece = shown.subarray(offset, offset + length);
    if (place) await files.read(place, piece);
    else piece.fill(0);
  }
  return { stored, shown };
}

describe('bytes of a chain', () => {
  it('are found in the file that has them, and zeros as such; what is compressed is not found', async () => {
    await using folder = await temporaryFolder();
    const file = await chain(folder);
    const { stored, shown } = await read(file, [{ offset: 0, length: 16 * MiB }]);
    await convertImage({ from: targetOf(await layersOf(file)), to: folder.file('raw'), toFormat: 'raw' });
    const raw = await readFile(folder.file('raw'));
    // Only the compressed cluster is missing.
    raw.fill(0xee, 10 * MiB, 10 * MiB + 65_536);
    expect(shown.equals(raw)).toBe(true);
    expect(new Set(stored.map(({ in: place }) => place?.file ?? null))).toEqual(
      new Set([null, ...[0, 1, 2].map((at) => folder.file(`${at}.qcow2`))]),
    );
  });

  it('only of what was asked for', async () => {
    await using folder = await temporaryFolder();
    const { stored } = await read(await chain(folder), [{ offset: MiB, length: 65_536 }]);
    expect(stored).toEqual([
      { offset: MiB, length: 65_536, in: { file: folder.file('1.qcow2'), offset: expect.any(Number) as number } },
    ]);
  });

  it('are not found where they are encrypted, below or above', async () => {
    await using folder = await temporaryFolder();
    const { stored } = await read(await chain(folder, [key, null, key]), [{ offset: 0, length: 16 * MiB }]);
    const files = stored.flatMap(({ in: place }) => (place ? [place.file] : []));
    expect(new Set(files)).toEqual(new Set([folder.file('1.qcow2')]));
  });

  it('are not looked up one by one where they are strewn', async () => {
    await using folder = await temporaryFolder();
    const file = folder.file('strewn.qcow2');
    await createQcow2(file, 8192 * MiB, null);
    const areas = Array.from({ length: 17 }, (_, at) => ({ offset: at * 256 * MiB, length: 4096 }));
    const layers = await layersOf(file);
    expect(await storedIn(layers, targetOf(layers))(areas)).toEqual([]);
  });
});

it('a file that ends before the bytes is named', async () => {
  await using folder = await temporaryFolder();
  const file = await chain(folder);
  await using files = openStored();
  await expect(files.read({ file, offset: 64 * MiB }, Buffer.alloc(10))).rejects.toMatchObject({
    code: 'file.unreadable',
    message: `${file} ends at ${64 * MiB}, before its end`,
  });
  await expect(files.read({ file: folder.file('none'), offset: 0 }, Buffer.alloc(10))).rejects.toThrow('ENOENT');
});
