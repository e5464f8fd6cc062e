import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { plainTarget } from '../../../src/host/images/image-options.ts';
import {
  checkImage,
  compareImages,
  convertImage,
  createOverlay,
  createQcow2,
  imageInfo,
  mapImage,
} from '../../../src/host/images/qemu-img.ts';
import { guestWrites, makeRaw, MiB, sameContent, writeInto } from '../disk-images.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** Names that a careless command line would take for something else. */
const oddNames = ['a b', 'a,b=c', 'x:y', '-f', 'it\'s "q"', 'nbd:x', 'json:{}', 'äöü', '$(id)', '%41', 'new\nline'];

describe('qcow2 files', () => {
  test('are made standalone with 64 KiB clusters', async () => {
    await using folder = await temporaryFolder();
    await createQcow2(folder.file('a.qcow2'), 9 * MiB + 512, null);
    expect(await imageInfo(folder.file('a.qcow2'))).toMatchObject({
      format: 'qcow2',
      virtualSize: 9 * MiB + 512,
      backingFile: undefined,
      corrupt: false,
    });
    expect(await checkImage(folder.file('a.qcow2'))).toMatchObject({ ok: true, leaks: 0, corruptions: 0 });
    expect(await mapImage(folder.file('a.qcow2'))).toEqual([
      expect.objectContaining({ start: 0, length: 9 * MiB + 512, depth: 0, present: false, zero: true, data: false }),
    ]);
  });

  test('an overlay names its backing file as it was given: beside it', async () => {
    await using folder = await temporaryFolder();
    await createQcow2(folder.file('a.qcow2'), 2 * MiB, null);
    await guestWrites(folder.file('a.qcow2'), 'qcow2', 'write -P 7 0 64k');
    await createQcow2(folder.file('b.qcow2'), 2 * MiB, 'a.qcow2');
    await guestWrites(folder.file('b.qcow2'), 'qcow2', 'write -P 9 1M 64k');
    expect((await imageInfo(folder.file('b.qcow2'))).backingFile).toBe('a.qcow2');
    const held = (await mapImage(folder.file('b.qcow2'))).filter((area) => area.data);
    expect(held.map(({ start, length, depth }) => [start, length, depth])).toEqual([
      [0, 65_536, 1],
      [MiB, 65_536, 0],
    ]);
  });

  test('an encrypted one is made again where qemu could not measure how fast it hashes', async () => {
    await using folder = await temporaryFolder();
    // Kernels that count processor time in ticks do so now and then: stand in for qemu-img's first two answers.
    const real = (await execa('sh', ['-c', 'command -v qemu-img'])).stdout;
    const said = folder.file('said');
    const script = `#!/bin/sh
if [ "$(wc -c < '${said}')" -lt 2 ]; then
  printf x >> '${said}'
  echo "qemu-img: a.qcow2: Unable to get accurate CPU usage" >&2
  exit 1
fi
exec ${real} "$@"
`;
    await writeFile(said, '');
    await writeFile(folder.file('qemu-img'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder.path}:${process.env['PATH']}`);
    const key = { id: '0123456789abcdef', passphrase: 'canary-passphrase' };
    await createQcow2(folder.file('a.qcow2'), MiB, null, undefined, key);
    expect(await imageInfo(folder.file('a.qcow2'))).toMatchObject({ encrypted: true });
    await writeFile(folder.file('qemu-img'), '#!/bin/sh\necho "No accurate CPU usage, ever" >&2\nexit 1\n');
    await expect(createQcow2(folder.file('b.qcow2'), MiB, null, undefined, key)).rejects.toMatchObject({
      code: 'tool.failed',
    });
  });

  test('an overlay on a missing backing file is refused', async () => {
    await using folder = await temporaryFolder();
    await expect(createQcow2(folder.file('b.qcow2'), MiB, 'a.qcow2')).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringContaining('a.qcow2') as string,
    });
  });

  test.each(oddNames)('the name %j works for every call', async (name) => {
    await using folder = await temporaryFolder();
    const file = folder.file(name);
    await createQcow2(file, MiB, null);
    expect((await imageInfo(file, { format: 'qcow2', forceShare: true })).virtualSize).toBe(MiB);
    expect((await checkImage(file)).ok).toBe(true);
    expect(await mapImage(file)).toHaveLength(1);
    await createOverlay(`${file}.top`, file, MiB);
    expect((await imageInfo(`${file}.top`)).virtualSize).toBe(MiB);
    await convertImage({ from: plainTarget(file), to: `${file}.raw`, toFormat: 'raw' });
    expect(await compareImages({ file, format: 'qcow2' }, { file: `${file}.raw`, format: 'raw' })).toBe(true);
    expect((await readdir(folder.path)).toSorted()).toEqual([name, `${name}.raw`, `${name}.top`].toSorted());
  });

  test('a folder with an odd name does not break a relative backing file', async () => {
    await using folder = await temporaryFolder();
    const { mkdir } = await import('node:fs/promises');
    const inside = folder.file('a:b, c=d');
    await mkdir(inside);
    await createQcow2(`${inside}/1.qcow2`, MiB, null);
    await createQcow2(`${inside}/2.qcow2`, MiB, '1.qcow2');
    expect(await mapImage(`${inside}/2.qcow2`)).toHaveLength(1);
  });
});

describe('imageInfo', () => {
  test('a missing file and a foreign one are errors that name it', async () => {
    await using folder = await temporaryFolder();
    await expect(imageInfo(folder.file('none'))).rejects.toMatchObject({
      code: 'tool.failed',
      message: expect.stringContaining('none') as string,
    });
    await writeFile(folder.file('text'), 'no image');
    await expect(imageInfo(folder.file('text'), { format: 'qcow2' })).rejects.toMatchObject({ code: 'tool.failed' });
  });
});

describe('checkImage', () => {
  test('finds damaged metadata', async () => {
    await using folder = await temporaryFolder();
    await createQcow2(folder.file('a'), 4 * MiB, null);
    await guestWrites(folder.file('a'), 'qcow2', 'write -P 7 0 1M');
    await copyFile(folder.file('a'), folder.file('b'));
    // An entry of the refcount block (third cluster) says that nobody uses the first cluster.
    await writeInto(folder.file('a'), [2 * 65_536, Buffer.from([0, 0])]);
    expect(await checkImage(folder.file('a'))).toMatchObject({
      ok: false,
      message: expect.stringContaining('corruptions') as string,
    });
    expect((await checkImage(folder.file('b'))).ok).toBe(true);
  });

  test('says that a file without a qcow2 header cannot be checked', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('a'), Buffer.alloc(1000));
    expect(await checkImage(folder.file('a'))).toMatchObject({
      ok: false,
      corruptions: 1,
      message: expect.stringContaining('qemu-img check ended with 1') as string,
    });
  });
});

describe('convertImage', () => {
  test.each([
    ['raw', undefined],
    ['qcow2', undefined],
    ['vmdk', 'subformat=monolithicSparse'],
  ])('to %s (%s), reporting progress to the end', async (format, toOptions) => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a.raw'), 3 * MiB, [0, MiB], [2 * MiB, 65_536]);
    const seen: number[] = [];
    await convertImage({
      from: plainTarget(folder.file('a.raw'), 'raw'),
      to: folder.file('b'),
      toFormat: format,
      toOptions,
      onProgress: (fraction) => seen.push(fraction),
    });
    expect(await sameContent(folder.file('a.raw'), folder.file('b'))).toBe(true);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('an abort ends it with the reason', async () => {
    await using folder = await temporaryFolder();
    const reason = new Error('enough');
    await expect(
      convertImage({
        from: plainTarget('/dev/zero', 'raw'),
        to: folder.file('b'),
        toFormat: 'raw',
        signal: AbortSignal.abort(reason),
      }),
    ).rejects.toBe(reason);
  });
});

test('compareImages tells equal from different from unreadable', async () => {
  await using folder = await temporaryFolder();
  await makeRaw(folder.file('a'), MiB, [0, 1000]);
  await copyFile(folder.file('a'), folder.file('b'));
  const of = (name: string) => ({ file: folder.file(name), format: 'raw' });
  expect(await compareImages(of('a'), of('b'))).toBe(true);
  await writeInto(folder.file('b'), [MiB - 1, Buffer.from([1])]);
  expect(await compareImages(of('a'), of('b'))).toBe(false);
  await expect(compareImages(of('a'), of('c'))).rejects.toMatchObject({ code: 'tool.failed' });
});
