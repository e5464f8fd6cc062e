import { open, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reader } from '../../../src/files/reader/start-reader.ts';
import type { Volume } from '../../../src/files/protocol.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { prepareOne } from '../fixtures/prepared.ts';
import { bytesOf, openImages } from '../reader-of.ts';

const stack = new AsyncDisposableStack();
const partition = 2 ** 20;
const block = 4096;
let reader: Reader;
let volumes: readonly Volume[];

/** Another checksum at the end of a folder's first block. */
async function spoilFolder(disk: string, folder: string): Promise<void> {
  const { stdout } = await execa('debugfs', ['-R', `blocks ${folder}`, `${disk}?offset=${partition}`]);
  const first = Number(stdout.trim().split(/\s+/)[0]);
  await using file = await open(disk, 'r+');
  await file.write(Buffer.alloc(4, 0x5a), 0, 4, partition + first * block + block - 4);
}

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  const { disk } = await prepareOne('ext4');
  const spoilt = folder.file('spoilt.raw');
  await execa('cp', ['--sparse=always', '--no-preserve=mode', disk(0), spoilt]);
  await spoilFolder(spoilt, '/sizes');
  const undivided = folder.file('undivided.raw');
  const tiny = folder.file('tiny.raw');
  await writeFile(undivided, Buffer.alloc(4 * 2 ** 20));
  await execa('sfdisk', ['-q', undivided], { input: 'label: gpt\n' });
  await writeFile(tiny, Buffer.alloc(512));
  const opened = stack.use(await openImages(spoilt, undivided, tiny));
  ({ reader, volumes } = opened);
}, 2_700_000);
afterAll(() => stack.disposeAsync());

const root = { volume: 'disk-0p1', path: '' };

test('a folder that the kernel refuses is damage, by the name that the kernel has for it', async () => {
  const listed = reader.ask('list', { ...root, path: bytesOf('sizes'), after: null, limit: 10 });
  await expect(listed).rejects.toMatchObject({
    code: 'files.damaged',
    message: expect.stringContaining('EBADMSG') as string,
  });
  const { unreadable, seen } = await reader.ask('walk', { ...root, filter: { names: ['nothing'] } });
  expect(unreadable).toEqual(['/sizes: EBADMSG']);
  expect(seen).toBeGreaterThan(2000);
});

test('a disk without partitions, and one of a single sector, are there all the same', () => {
  expect(volumes).toMatchObject([
    { id: 'disk-0p1', state: 'readable' },
    { id: 'disk-1', state: 'empty', why: 'a partition table without partitions that can be read' },
    { id: 'disk-2', state: 'empty', why: 'no file system was recognised' },
  ]);
});
