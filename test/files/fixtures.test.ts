import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { numbersOf, printedRandom, seed } from '../support/random.ts';
import { testAtFullLength } from '../support/at-full-length.ts';
import { rounds } from '../support/rounds.ts';
import { damaged } from './fixtures/damaged.ts';
import { fixtures } from './fixtures/fixtures.ts';
import type { Entry, FileEntry, Manifest } from './fixtures/manifest.ts';
import { cutOut, placesOf, type Place } from './fixtures/places.ts';
import { prepare, prepareOne, type Prepared } from './fixtures/prepared.ts';

const names = fixtures.filter(({ long }) => !long).map(({ name }) => name);
const making = 2_700_000;

beforeAll(async () => {
  await prepare(names);
}, making);

describe('every fixture', () => {
  test('has its disks, as sparse files, and a manifest of each volume that can be read', async () => {
    for (const prepared of await prepare(names)) await isWhole(prepared);
  });

  test('holds on each partition and disk what the list says, as blkid sees it', async () => {
    for (const prepared of await prepare(names)) {
      const { fixture } = prepared;
      const listed = fixture.volumes.filter(({ name }) => /^disk-\d+(p\d+)?$/.test(name));
      const seen = await Promise.all(
        listed.map(async ({ name }) => ({ name, ...(await probed(await placeOf(prepared, name))) })),
      );
      const told = listed.map(({ name, holds, label, state }) => ({
        name,
        holds,
        label: state === 'part' ? expect.anything() : (label ?? ''),
      }));
      expect({ fixture: fixture.name, volumes: seen }).toEqual({ fixture: fixture.name, volumes: told });
    }
  });

  test('lists every partition of its tables', async () => {
    for (const prepared of await prepare(names)) {
      const partitions = [...(await placesOf(prepared)).keys()].filter((name) => name.includes('p'));
      const told = prepared.fixture.volumes.filter(({ name }) => /^disk-\d+p\d+$/.test(name)).map(({ name }) => name);
      expect(partitions, prepared.fixture.name).toEqual(told);
    }
  });

  testAtFullLength(
    'of full length has 100,000 files in one folder',
    async () => {
      const long = fixtures.filter((fixture) => fixture.long);
      for (const prepared of await prepare(long.map(({ name }) => name))) {
        await isWhole(prepared);
        const { entries } = await prepared.manifest('disk-0p1');
        expect(entries.filter((entry) => pathOf(entry).startsWith('many/'))).toHaveLength(100_000);
      }
    },
    making,
  );
});

describe('the difficult tree', () => {
  test.for(['ext4', 'xfs', 'btrfs'])('is whole on %s', async (name) => {
    const prepared = await prepareOne(name);
    const { entries } = await prepared.manifest('disk-0p1');
    const paths = entries.map(({ path }) => Buffer.from(path, 'base64'));
    const parts = paths.flatMap((path) => path.toString('latin1').split('/'));
    expect(parts).toContain('latin1-\xe9');
    expect(parts).toContain('new\nline');
    expect(parts).toContain('-rf');
    expect(parts).toContain('trailing ');
    expect(parts).toEqual(expect.arrayContaining(['Case', 'case', 'CASE']));
    expect(Math.max(...parts.map((part) => part.length))).toBe(255);
    expect(Math.max(...paths.map((path) => path.length))).toBeGreaterThan(4096);
    expect(paths.filter((path) => /(^|\/)many\//.test(path.toString('latin1')))).toHaveLength(2000);
    const types = new Set(entries.map(({ type }) => type));
    expect(types).toEqual(new Set(['file', 'directory', 'link', 'fifo', 'socket', 'character', 'block']));
    expect(entries.filter(({ hardLinks }) => hardLinks !== undefined)).toHaveLength(3);
    expect(Math.max(...entries.map(({ uid }) => uid))).toBe(2 ** 32 - 2);
    expect(entries.some(({ mtimeNs }) => mtimeNs === '-1234567890123456789')).toBe(true);
    expect(entries.some(({ mtimeNs }) => mtimeNs === '7000000000111222333')).toBe(true);
    const modes = new Set(entries.map(({ mode }) => mode));
    for (const mode of [0, 0o4755, 0o2755, 0o1777]) expect(modes).toContain(mode);
    const xattrs = new Set(entries.flatMap((entry) => Object.keys(entry.xattrs ?? {})).map(textOf));
    for (const xattr of ['user.empty', 'trusted.mine', 'security.capability', 'system.posix_acl_default'])
      expect(xattrs).toContain(xattr);
    const large = fileIn(entries, 'large');
    expect(large.size).toBe(4 * 2 ** 40);
    expect(large.data?.map(({ offset }) => offset)).toEqual([0, 2 ** 41 + 4096, 2 ** 42 - 8192]);
    expect(fileIn(entries, 'immutable').immutable).toBe(true);
  });

  test('has on NTFS a stream, a compressed file, and links as Windows makes them', async () => {
    const { entries } = await (await prepareOne('ntfs')).manifest('disk-0p1');
    expect(Object.keys(fileIn(entries, 'streams/file').xattrs ?? {}).map(textOf)).toContain('user.Zone.Identifier');
    const links = entries.filter((entry) => entry.type === 'link');
    expect(links.map(pathOf)).toEqual(expect.arrayContaining(['Documents and Settings', 'windows-link']));
    const longest = Math.max(...entries.map((entry) => Buffer.from(entry.path, 'base64').length));
    expect(longest).toBe('names/'.length + 255 * 3);
  });
});

describe('what tools that read the image itself find is what the manifest says', () => {
  test.for([
    ['ext2', 'disk-0p1'],
    ['ext3', 'disk-0p1'],
    ['ext4', 'disk-0p1'],
    ['gpt-4096', 'disk-0p1'],
    ['mbr-logical', 'disk-0p5'],
    ['no-table-and-empty', 'disk-0'],
    ['cut-off', 'disk-0p1'],
  ] as const)('debugfs: %s', async ([name, volume]) => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne(name);
    const at = inImage(await placeOf(prepared, volume));
    expect((await execa('e2fsck', ['-fn', at], { reject: false })).exitCode).toBe(0);
    for (const below of ['sizes', 'names', 'hard'])
      await execa('debugfs', ['-R', `rdump /${below} ${folder.path}`, at]);
    await sameFiles(folder.path, await prepared.manifest(volume), /^(sizes|names|hard)\//);
  });

  test('btrfs restore: compressed files in a subvolume', async () => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne('btrfs');
    const part = await cutOut(await placeOf(prepared, 'disk-0p1'), folder.file('part'));
    expect((await execa('btrfs', ['check', part], { reject: false })).exitCode).toBe(0);
    await execa('btrfs', ['restore', '--path-regex', '^/(|@home(|/.*))$', part, folder.path]);
    await sameFiles(folder.path, await prepared.manifest('disk-0p1'), /^@home\/(zlib|lzo|zstd|reflink)/);
  });

  test('xfs_repair finds nothing to mend', async () => {
    await using folder = await temporaryFolder();
    const part = await cutOut(await placeOf(await prepareOne('xfs'), 'disk-0p1'), folder.file('part'));
    expect((await execa('xfs_repair', ['-n', '-f', part], { reject: false })).exitCode).toBe(0);
  });

  test('ntfscat: compressed files and streams', async () => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne('ntfs');
    const part = await cutOut(await placeOf(prepared, 'disk-0p1'), folder.file('part'));
    expect(await ntfsState(part)).toBe(0);
    const { entries } = await prepared.manifest('disk-0p1');
    for (const path of ['compressed/text', 'compressed/program', 'sizes/65537', 'Users/file.txt']) {
      const { stdout } = await execa('ntfscat', [part, path], { encoding: 'buffer', stripFinalNewline: false });
      expect(sha256(stdout), path).toBe(fileIn(entries, path).sha256);
    }
    const { stdout } = await execa('ntfsinfo', ['-F', 'compressed/text', part]);
    expect(stdout).toMatch(/File attributes:.*COMPRESSED/);
    const stream = ['-n', 'Zone.Identifier', part, 'streams/file'];
    expect((await execa('ntfscat', stream)).stdout).toContain('ZoneId=3');
  });

  test.for(['disk-0p1', 'disk-0p2'])('mtools: FAT of %s', async (volume) => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne('fat');
    const { file, offset } = await placeOf(prepared, volume);
    const env = { LC_ALL: 'C.UTF-8', MTOOLS_SKIP_CHECK: '1' };
    await execa('mcopy', ['-s', '-n', '-i', `${file}@@${offset}`, '::/sizes', '::/big-1', folder.path], { env });
    await sameFiles(folder.path, await prepared.manifest(volume), /^(sizes\/|big-1)/);
  });

  test('isoinfo: names of Rock Ridge and of Joliet', async () => {
    const disk = (await prepareOne('iso')).disk(0);
    for (const [option, name] of [
      ['-R', 'äöü'],
      ['-J', ' leading'],
    ] as const)
      expect((await execa('isoinfo', [option, '-f', '-i', disk])).stdout).toContain(`/names/${name}`);
  });

  test('udfinfo', async () => {
    const { stdout } = await execa('udfinfo', [(await prepareOne('udf')).disk(0)]);
    expect(stdout).toMatch(/^integrity=closed$/m);
  });
});

describe('what lies above a file system', () => {
  test('volumes of LVM have segments on both disks, and stripes', async () => {
    const prepared = await prepareOne('lvm');
    const { stdout } = await execa('pvck', ['--dump', 'metadata', prepared.disk(1)]);
    const dash = stdout.slice(stdout.indexOf('with-dash {'));
    for (const disk of ['"pv0"', '"pv1"']) expect(dash).toContain(disk);
    expect(stdout).toMatch(/striped \{[^]*stripe_count = 2/);
  });

  test('thin volumes are there', async () => {
    const { stdout } = await execa('pvck', ['--dump', 'metadata', (await prepareOne('lvm-thin')).disk(0)]);
    expect(stdout).toContain('type = "thin-pool"');
    expect(stdout.match(/type = "thin"/g)).toHaveLength(2);
  });

  test('two machines have groups, volumes and file systems of the same ids, and other files', async () => {
    const clones = await prepare(['lvm-clone-one', 'lvm-clone-another']);
    const ids = await Promise.all(
      clones.map(async (clone) => {
        const { stdout } = await execa('pvck', ['--dump', 'metadata', clone.disk(0)]);
        return stdout.match(/^id = ".*"$/gm);
      }),
    );
    expect(ids[0]).toHaveLength(3);
    expect(ids[0]).toEqual(ids[1]);
    const manifests = await Promise.all(clones.map(async (clone) => clone.manifest('vg0/root')));
    const digests = manifests.map(({ entries }) => fileIn(entries, 'hostname').sha256);
    expect(digests).toEqual([sha256('one\n'), sha256('another\n')]);
  });

  test.for(['0.90', '1.0', '1.2'])(
    'an array with metadata %s had two disks, of which one is there',
    async (version) => {
      await using folder = await temporaryFolder();
      const prepared = await prepareOne(`raid-${version}`);
      expect([...prepared.disks.keys()]).toEqual([0]);
      const part = await cutOut(await placeOf(prepared, 'disk-0p1'), folder.file('part'));
      // It looks through all of /dev, where a mount of another test may lie that answers to nobody.
      const alone = ['--ro-bind', '/', '/', '--dev', '/dev', '--ro-bind', folder.path, '/mnt'];
      const { stdout } = await execa('bwrap', [...alone, 'mdadm', '--examine', `/mnt/${basename(part)}`]);
      expect(stdout).toMatch(new RegExp(`Version : ${version}`));
      expect(stdout).toMatch(/Raid Devices : 2/);
    },
  );

  test.for([
    ['luks1', 'disk-0p1'],
    ['luks2', 'disk-0p1'],
    ['lvm-in-luks', 'disk-0'],
  ] as const)('the passphrase opens %s, and another one does not', async ([name, volume]) => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne(name);
    const part = await cutOut(await placeOf(prepared, volume), folder.file('part'));
    const { passphrase } = prepared.fixture.volumes.find((one) => one.name === volume) ?? {};
    const open = async (input: string): Promise<unknown> =>
      (await execa('cryptsetup', ['open', '--test-passphrase', '--key-file', '-', part], { input, reject: false }))
        .exitCode;
    expect(await open(passphrase ?? '')).toBe(0);
    expect(await open('another')).toBe(2);
  });
});

describe('disks of a guest that was killed', () => {
  test.for(['ext4-dirty', 'ext4-dirty-data'])('%s: what was fsynced is there only after its journal', async (name) => {
    await using folder = await temporaryFolder();
    const prepared = await prepareOne(name);
    const part = await cutOut(await placeOf(prepared, 'disk-0p1'), folder.file('part'));
    expect((await execa('dumpe2fs', ['-h', part])).stdout).toMatch(/features:.*needs_recovery/);
    // Without the maps of what is in use, whose checksums can be right only after the journal.
    const listed = async (path: string): Promise<string> =>
      (await execa('debugfs', ['-c', '-R', `ls ${path}`, part], { all: true })).all;
    expect(await listed('/before')).toContain('removed');
    expect(await listed('/')).not.toContain('kept');
    await execa('e2fsck', ['-y', '-E', 'journal_only', part]);
    expect(await listed('/kept')).toContain('fsynced');
    expect(await listed('/before')).not.toContain('removed');
    for (const below of ['kept', 'before']) await execa('debugfs', ['-R', `rdump /${below} ${folder.path}`, part]);
    await sameFiles(folder.path, await prepared.manifest('disk-0p1'), /^(kept|before)\//);
  });

  test('xfs-dirty: what was fsynced is in the log only', async () => {
    await using folder = await temporaryFolder();
    const part = await cutOut(await placeOf(await prepareOne('xfs-dirty'), 'disk-0p1'), folder.file('part'));
    const found = async (path: string): Promise<string> =>
      (await execa('xfs_db', ['-r', '-f', '-c', `path ${path}`, '-c', 'print core.mode', part], loudly)).all;
    expect(await found('/before/removed')).toContain('core.mode');
    expect(await found('/kept/fsynced')).toContain('No such file');
  });

  test('btrfs-dirty: it has a log tree', async () => {
    await using folder = await temporaryFolder();
    const part = await cutOut(await placeOf(await prepareOne('btrfs-dirty'), 'disk-0p1'), folder.file('part'));
    const { stdout } = await execa('btrfs', ['inspect-internal', 'dump-super', part]);
    expect(stdout).toMatch(/^log_root\t+[1-9]/m);
    await execa('btrfs', ['restore', part, folder.path]);
    // It reads no log.
    await expect(stat(folder.file('kept/fsynced'))).rejects.toThrow('ENOENT');
  });

  test('Windows that sleeps, and Windows that lost its power, are what ntfs-3g calls so', async () => {
    await using folder = await temporaryFolder();
    const part = async (name: string): Promise<string> =>
      cutOut(await placeOf(await prepareOne(name), 'disk-0p1'), folder.file('part'));
    expect(await ntfsState(await part('ntfs-hibernated'))).toBe(14);
    expect(await ntfsState(await part('ntfs-dirty'))).toBe(15);
  });
});

describe('damage', () => {
  const seen = async (file: string): Promise<string> => sha256(await readFile(file));

  test('is the same for the same seed, and leaves the fixture as it was', async () => {
    await using folder = await temporaryFolder();
    const disk = (await prepareOne('no-table-and-empty')).disk(0);
    const before = await seen(disk);
    const same = [seed, 'damage'];
    const first = await damaged(disk, folder.file('a'), numbersOf(same));
    expect(await damaged(disk, folder.file('b'), numbersOf(same))).toEqual(first);
    expect(await seen(folder.file('a'))).toBe(await seen(folder.file('b')));
    expect(await seen(disk)).toBe(before);
  });

  test('is done to metadata: e2fsck notices it', async () => {
    await using folder = await temporaryFolder();
    const chance = printedRandom('damage');
    const disk = (await prepareOne('no-table-and-empty')).disk(0);
    let noticed = 0;
    const count = rounds(5, 200);
    for (let round = 0; round < count; round++) {
      const what = await damaged(disk, folder.file('copy'), chance);
      const { exitCode, signal } = await execa('e2fsck', ['-fn', folder.file('copy')], { reject: false });
      expect(signal, what.join('; ')).toBeUndefined();
      if (exitCode !== 0) noticed++;
    }
    expect(noticed).toBeGreaterThan(0);
  });
});

/** What a tool says, however it ends. */
const loudly = { all: true, reject: false } as const;

async function isWhole({ fixture, disks, manifest }: Prepared): Promise<void> {
  for (const [number, file] of disks) {
    const { size, blocks } = await stat(file);
    const mebibytes = number === 0 && fixture.cutTo !== undefined ? fixture.cutTo : fixture.disks[number];
    expect({ name: fixture.name, size }).toEqual({ name: fixture.name, size: (mebibytes ?? 0) * 2 ** 20 });
    if (!fixture.long) expect(blocks * 512, `${fixture.name} is sparse`).toBeLessThan(128 * 2 ** 20);
  }
  for (const { name, state } of fixture.volumes) {
    if (state !== 'readable') continue;
    const { entries } = await manifest(name);
    expect(entries.length, `${fixture.name} ${name}`).toBeGreaterThan(1);
    expect(entries[0]).toMatchObject({ path: '', type: 'directory' });
    expect(new Set(entries.map(({ path }) => path)).size).toBe(entries.length);
  }
}

async function placeOf(prepared: Prepared, volume: string): Promise<Place> {
  const found = (await placesOf(prepared)).get(volume);
  if (!found) throw new Error(`${prepared.fixture.name} has no ${volume}`);
  return found;
}

/** As tools for ext name a file system inside of an image. */
const inImage = ({ file, offset }: Place): string => `${file}?offset=${offset}`;

async function probed({ file, offset, length }: Place): Promise<{ holds: string; label: string }> {
  const args = ['-p', '-o', 'export', '-O', String(offset), '-S', String(length), file];
  const { stdout } = await execa('blkid', args, { reject: false });
  const value = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1];
  return { holds: value('TYPE') ?? 'nothing', label: value('LABEL')?.replaceAll('\\', '') ?? '' };
}

/** 0: may be written, 14: hibernated, 15: its log is in use. */
const ntfsState = async (part: string): Promise<number | undefined> =>
  (await execa('ntfs-3g.probe', ['--readwrite', part], { reject: false })).exitCode;

/** Each file of the manifest whose path matches is there, with its bytes. */
async function sameFiles(folder: string, { entries }: Manifest, which: RegExp): Promise<void> {
  const files = entries.filter((entry) => entry.type === 'file' && which.test(pathOf(entry)));
  expect(files.length).toBeGreaterThan(2);
  for (const entry of files) {
    const path = Buffer.concat([Buffer.from(join(folder, '/')), Buffer.from(entry.path, 'base64')]);
    const { size, sha256: digest } = entry as FileEntry;
    // debugfs puts zeros behind what stands in an inode.
    expect(sha256((await readFile(path)).subarray(0, size)), pathOf(entry)).toBe(digest);
  }
}

function fileIn(entries: readonly Entry[], path: string): FileEntry {
  const found = entries.find((entry) => /^(@\/)?/.test(path) && [path, `@/${path}`].includes(pathOf(entry)));
  if (found?.type !== 'file') throw new Error(`no file ${path}`);
  return found;
}

const textOf = (base64: string): string => Buffer.from(base64, 'base64').toString();
const pathOf = ({ path }: Entry): string => textOf(path);
const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
