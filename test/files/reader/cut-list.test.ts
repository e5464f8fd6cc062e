import { cp } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { prepare } from '../fixtures/prepared.ts';
import { bytesOf, openImages, type OpenImage } from '../reader-of.ts';

/** A block far behind the end of the disk, where a file's list of lists of blocks would be. */
const nowhere = 16_252_928;

async function damagedExt2(folder: string): Promise<{ readonly sound: string; readonly damaged: string }> {
  const [prepared] = await prepare(['ext2']);
  const sound = prepared?.disk(0) ?? '';
  const damaged = `${folder}/damaged.raw`;
  await cp(sound, damaged);
  const volume = `${damaged}?offset=${2 ** 20}`;
  const { stderr } = await execa('debugfs', ['-w', '-R', `set_inode_field large block[DIND] ${nowhere}`, volume]);
  expect(stderr.split('\n').slice(1)).toEqual([]);
  return { sound, damaged };
}

const wait = () => AbortSignal.timeout(120_000);

/** Where a piece of a file of a TiB has content, asked as the first thing. */
async function placesIn(open: OpenImage, offset: number, length: number | null): Promise<unknown> {
  const large = { volume: open.volumes[0]?.id ?? '', path: bytesOf('large'), offset, length };
  const found = await open.reader.places(large, wait());
  return found?.places.map(({ at }) => at);
}

async function readIn(open: OpenImage, offset: number, length: number): Promise<string> {
  const pieces: Buffer[] = [];
  const large = { volume: open.volumes[0]?.id ?? '', path: bytesOf('large'), offset, length };
  await open.reader.read(large, { signal: wait(), onBytes: (piece) => void pieces.push(piece) });
  return Buffer.concat(pieces).toString('base64');
}

/** Its second piece of three. */
const middle = 512 * 2 ** 30 + 2 ** 12;
const piece = 8192;

const long = { timeout: 1_200_000 };

test('a list of extents that the kernel cuts off at a damaged place is not taken for all', long, async () => {
  await using folder = await temporaryFolder();
  const images = await damagedExt2(folder.path);
  await using sound = await openImages(images.sound);
  expect(await placesIn(sound, 0, null)).toEqual([0, middle, 2 ** 40 - piece]);
  await using damaged = await openImages(images.damaged);
  await expect(placesIn(damaged, 0, null)).rejects.toMatchObject({ code: 'files.damaged' });
  // What is sound of it can be had.
  const content = await readIn(sound, middle, piece);
  expect(content).not.toMatch(/^A+=*$/);
  expect(await readIn(damaged, middle, piece)).toBe(content);
  expect(await readIn(damaged, 0, piece)).toBe(await readIn(sound, 0, piece));
});

test('an archive leaves a file out of which the kernel cannot tell the holes, and says so', long, async () => {
  await using folder = await temporaryFolder();
  const { damaged } = await damagedExt2(folder.path);
  await using open = await openImages(damaged);
  let bytes = 0;
  const asked = { volume: open.volumes[0]?.id ?? '', paths: ['large', 'sparse'].map(bytesOf) };
  const onBytes = (more: Buffer): void => void (bytes += more.length);
  const { said } = await open.reader.archive(asked, { signal: wait(), onBytes });
  expect(said.split('\n').filter((line) => line !== '')).toEqual([
    'tar: /large: its file system is damaged and cannot say where its holes are',
  ]);
  expect(bytes).toBeLessThan(2 ** 20);
});
