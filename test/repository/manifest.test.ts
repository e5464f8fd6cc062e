import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manifestChecksum, parentsFirst, readManifest } from '../../src/repository/manifest.ts';
import { writeManifest } from './fixture-files.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { someDisk, someManifest } from './some-manifest.ts';

const damaged = { code: 'repository.damaged' };

describe('writing a manifest', () => {
  test('it is read-only, readable JSON, and comes back as it was', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('b1.json');
    const written = await writeManifest(path, someManifest());
    expect(await readManifest(path)).toEqual(written);
    expect((await stat(path)).mode & 0o777).toBe(0o400);
    expect(await readdir(folder.path)).toEqual(['b1.json']);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(written);
  });

  test('the checksum can be made with other tools: SHA-256 of the JSON with sorted keys and no spaces', async () => {
    const content = { b: [1, { d: null, c: 'ä"\n' }], a: true } as unknown as Manifest;
    const text = '{"a":true,"b":[1,{"c":"ä\\"\\n","d":null}]}';
    expect(manifestChecksum(content)).toBe(`sha256:${createHash('sha256').update(text).digest('hex')}`);
    expect(manifestChecksum({ ...content, checksum: 'sha256:other' } as Manifest)).toBe(manifestChecksum(content));
  });

  test('never over another one; the same again is fine', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('b1.json');
    const written = await writeManifest(path, someManifest());
    expect(await writeManifest(path, someManifest())).toEqual(written);
    await expect(writeManifest(path, someManifest('b1', { run_id: 'run-2' }))).rejects.toMatchObject({
      code: 'file.exists',
    });
    expect(await readManifest(path)).toEqual(written);
    expect(await readdir(folder.path)).toEqual(['b1.json']);
  });

  test('what an attempt that was cut off left behind is no obstacle', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('b1.json.sendense-part'), '{"half":');
    await chmod(folder.file('b1.json.sendense-part'), 0o400);
    await writeManifest(folder.file('b1.json'), someManifest());
    expect(await readdir(folder.path)).toEqual(['b1.json']);
  });
});

/** Every place in a value that holds something that can be changed. */
function places(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [path];
  const inner = Object.entries(value).flatMap(([key, entry]) =>
    places(entry, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return inner.length === 0 ? [path] : inner;
}

function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return value.endsWith('1') ? `${value.slice(0, -1)}2` : `${value.slice(0, -1)}1`;
  if (Array.isArray(value)) return ['something'];
  return 'something';
}

describe('reading a manifest', () => {
  const sound = { ...someManifest(), checksum: manifestChecksum(someManifest()) } as Manifest;

  test.each(places(sound).map((path) => [path.join('.'), path] as const))(
    'a change of %s is noticed',
    async (_name, path) => {
      await using folder = await temporaryFolder();
      const copy = structuredClone(sound) as unknown as Record<string | number, unknown>;
      const parentOf = path.slice(0, -1).reduce((at, key) => at[key] as Record<string | number, unknown>, copy);
      const key = path.at(-1) ?? '';
      parentOf[key] = changed(parentOf[key]);
      await writeFile(folder.file('b1.json'), JSON.stringify(copy));
      await expect(readManifest(folder.file('b1.json'))).rejects.toMatchObject({
        ...damaged,
        message: expect.stringContaining('b1.json') as string,
      });
    },
  );

  test.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['half of it', JSON.stringify(sound).slice(0, 300)],
    ['another document', '{}'],
    ['a list', '[]'],
  ])('%s is damaged', async (_name, text) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('b1.json'), text);
    await expect(readManifest(folder.file('b1.json'))).rejects.toMatchObject(damaged);
  });

  test('other white space and another order of keys are not a change', async () => {
    await using folder = await temporaryFolder();
    const reversed = Object.fromEntries(Object.entries(sound).reverse());
    await writeFile(folder.file('b1.json'), JSON.stringify(reversed, null, 7));
    expect(await readManifest(folder.file('b1.json'))).toEqual(sound);
  });

  test.each([
    ['../../etc/shadow', {}],
    ['/etc/shadow', {}],
    ['disk-1/b1.qcow2', {}],
    ['disk-0/b2.qcow2', {}],
  ])('one that names the file %s is damaged, whatever its checksum says', async (path) => {
    await using folder = await temporaryFolder();
    for (const disk of [someDisk('b1', 0, { path }), someDisk('b1', 0, { index: { ...someDisk('b1').index, path } })]) {
      const content = someManifest('b1', { disks: [disk] });
      await writeFile(folder.file('b1.json'), JSON.stringify({ ...content, checksum: manifestChecksum(content) }));
      await expect(readManifest(folder.file('b1.json'))).rejects.toMatchObject({
        ...damaged,
        message: expect.stringContaining(path) as string,
      });
    }
  });
});

test.each<[string, Partial<Omit<Manifest, 'checksum'>>]>([
  ['a time that is none', { created: 'yesterday' }],
  ['an empty time', { started: '' }],
  ['two disks of the same number', { disks: [someDisk('b1', 0), someDisk('b1', 0, { uuid: 'other' })] }],
  ['two disks of the same uuid', { disks: [someDisk('b1', 0, { uuid: 'u' }), someDisk('b1', 1, { uuid: 'u' })] }],
  ['a disk without a whole number', { disks: [someDisk('b1', 1e300)] }],
])('a manifest with %s is damaged, whatever its checksum says', async (_what, more) => {
  await using folder = await temporaryFolder();
  const content = someManifest('b1', more);
  await writeFile(folder.file('b1.json'), JSON.stringify({ ...content, checksum: manifestChecksum(content) }));
  await expect(readManifest(folder.file('b1.json'))).rejects.toMatchObject(damaged);
});

describe('parentsFirst', () => {
  const made = (id: string, created: string, parent: string | null): Manifest =>
    ({ ...someManifest(id, { created, disks: [someDisk(id, 0, { parent })] }), checksum: 'x' }) as Manifest;
  const ids = (manifests: readonly Manifest[]): string[] => manifests.map(({ backup_id }) => backup_id);

  test('oldest first, parents before children even where the clock went back, and no endless walk in a circle', () => {
    const list = [
      made('c', '2026-01-01', 'b'),
      made('b', '2026-01-03', 'a'),
      made('a', '2026-01-02', null),
      made('z', '2025-01-01', null),
    ];
    expect(ids(parentsFirst(list))).toEqual(['z', 'a', 'b', 'c']);
    expect(ids(parentsFirst([made('a', '1', 'b'), made('b', '2', 'a')])).toSorted()).toEqual(['a', 'b']);
    expect(ids(parentsFirst([made('a', '1', 'not there')]))).toEqual(['a']);
  });

  test('for any forest each comes once and after its parent', () => {
    const forest = fc.array(fc.record({ parent: fc.option(fc.nat(20)), created: fc.nat(5) }), { maxLength: 20 });
    fc.assert(
      fc.property(forest, (entries) => {
        const list = entries.map(({ parent, created }, at) =>
          made(`p${at}`, String(created), parent !== null && parent < at ? `p${parent}` : null),
        );
        const order = ids(parentsFirst(list.toReversed()));
        expect(order.toSorted()).toEqual(ids(list).toSorted());
        for (const { backup_id, disks } of list) {
          const parent = disks[0]?.parent;
          if (parent) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(backup_id));
        }
      }),
    );
  });
});
