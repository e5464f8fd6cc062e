import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from '../../src/host/node-api/node-answers.ts';
import { markerName, manifestPath } from '../../src/repository/layout.ts';
import { manifestIds } from '../../src/repository/manifest-ids.ts';
import { manifestSays, manifestSaysNow } from '../../src/repository/manifest-says.ts';
import { readManifest } from '../../src/repository/manifest.ts';
import { marksPath, readMarks } from '../../src/repository/marks.ts';
import { intentPath, readIntent } from '../../src/repository/merge/intent.ts';
import { findRepository, markerFault } from '../../src/repository/open-repository.ts';
import { hasOwnContent } from '../../src/repository/stored-files/recognise.ts';
import { readRecord } from '../../src/repository/vm-lock/lock-record.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { writeManifest } from './fixture-files.ts';
import { someDisk, someManifest } from './some-manifest.ts';

const MiB = 1024 * 1024;
const id = '20260101T000000Z-aaaaaa';

/** Valid JSON that takes 50 times its size of memory. */
const deep = '['.repeat(100_000) + ']'.repeat(100_000);

/** Each file of a repository that holds JSON, and what is said of one that nobody wrote with Sendense. */
const readers: readonly (readonly [string, string, (root: string, path: string) => Promise<unknown>, unknown])[] = [
  ['a manifest', manifestPath('vm', id), (_root, path) => readManifest(path).catch(said), 'repository.damaged'],
  ['what a manifest says', manifestPath('vm', id), (_root, path) => manifestSays(path).catch(coded), {}],
  ['what a manifest says now', manifestPath('vm', id), async (_root, path) => manifestSaysNow(path), {}],
  ['a stranger beside manifests', 'vm/notes.json', async (root) => [...(await manifestIds(root, 'vm'))], []],
  ['marks', marksPath('vm', id), (root) => readMarks(root, 'vm', id).catch(said), 'repository.damaged'],
  ['an intent', intentPath('vm', id), (root) => readIntent(root, 'vm', id).catch(said), 'repository.damaged'],
  ['a marker', markerName, (root) => findRepository('primary', root).catch(said), 'repository.unusable'],
  ['a marker that is judged', markerName, (root) => markerFault(root), expect.stringMatching(/./)],
  ['the record of a lock', 'locks/000000000001.json', (_root, path) => readRecord(path), 'foreign'],
  ['what may be removed', marksPath('vm', id), (_root, path) => hasOwnContent(path, 'marks'), false],
];
const said = (error: { readonly code: string }): string => error.code;
const coded = ({ code }: NodeJS.ErrnoException): object => (code === 'EFBIG' ? {} : { code });

describe('JSON that somebody else has put into a repository', () => {
  test.each(readers)(
    '%s that is deep is told from one of ours before it is parsed',
    async (_what, name, read, answer) => {
      await using folder = await temporaryFolder();
      const path = folder.file(name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, deep);
      expect(await read(folder.path, path)).toEqual(answer);
    },
  );

  test.each(readers)('%s that is large is not read', async (what, name, read, answer) => {
    await using folder = await temporaryFolder();
    const path = folder.file(name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
    await truncate(path, 65 * MiB);
    expect(await read(folder.path, path)).toEqual(what === 'what a manifest says now' ? null : answer);
  });

  test('a manifest is refused for its depth, and for its size, and it is said which', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('b1.json');
    await writeFile(path, deep);
    await expect(readManifest(path)).rejects.toThrow(
      `${path} is not JSON: its lists and objects are more than 64 deep`,
    );
    await truncate(path, 8 * MiB + 1);
    await expect(readManifest(path)).rejects.toThrow(`${path} has more than ${8 * MiB} bytes`);
  });

  test.each(['{},', '[],', '1,'])(
    'a manifest that is a list of nothing but %j is refused for its first fault',
    async (one) => {
      await using folder = await temporaryFolder();
      const path = folder.file('b1.json');
      const { checksum: _checksum, ...content } = await writeManifest(path, someManifest());
      const text = JSON.stringify({ ...content, disks: ['@'], checksum: `sha256:${'0'.repeat(64)}` });
      await rm(path);
      await writeFile(path, text.replace('"@"', `${one.repeat(300_000)}{}`));
      const message: unknown = await readManifest(path).catch((error: Error) => error.message);
      expect(message).toMatch(/^\S+: \/disks\/0 must [^;]*$/);
    },
  );

  test('a manifest of more disks than any VM has is read', async () => {
    await using folder = await temporaryFolder();
    const disks = Array.from({ length: 1024 }, (_, number) =>
      someDisk('b1', number, { reason: 'r'.repeat(2000) }),
    ) as unknown as Manifest['disks'];
    await writeManifest(folder.file('b1.json'), someManifest('b1', { disks }));
    expect((await readManifest(folder.file('b1.json'))).disks).toHaveLength(1024);
  });

  test('a manifest that could not be read again is not written', async () => {
    await using folder = await temporaryFolder();
    const huge = someManifest('b1', { warnings: ['w'.repeat(9 * MiB)] });
    await expect(writeManifest(folder.file('b1.json'), huge)).rejects.toThrow(
      /the manifest of b1 would have more than/,
    );
  });
});

test('an answer of a node that is deep is not parsed', () => {
  expect(() => parse('node/health.json', 'node n1: health', deep)).toThrow(
    expect.objectContaining({
      code: 'node.protocol',
      cause: expect.objectContaining({ message: expect.stringMatching(/more than 64 deep/) as string }) as Error,
    }) as Error,
  );
});
