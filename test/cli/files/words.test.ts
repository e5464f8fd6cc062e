import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { equalStreams } from '../../../src/hub/files/compare/equal-streams.ts';
import { createHistory } from '../../../src/cli/files/all-points.ts';
import { differenceOf, merged, needsBytes, whatDiffers } from '../../../src/hub/files/compare/differences.ts';
import { placeIn } from '../../../src/cli/files/file-target.ts';
import { comparePaths, placeText } from '../../../src/files/paths.ts';
import { bytesOption, searchQuery } from '../../../src/cli/files/search-query.ts';
import { touchTime } from '../../../src/files/take/take-file.ts';
import { bytesOfShown, shownName } from '../../../src/files/shown.ts';
import { contentDisposition, rangeOf } from '../../../src/hub/routes/files/headers.ts';
import type { FilesEntry, FilesOutput } from '../../../src/schemas/types.ts';

const entry = (path: string, more: Partial<FilesEntry> = {}): FilesEntry => ({
  name: path,
  id: Buffer.from(path).toString('base64url'),
  type: 'file',
  size: 1,
  allocated: 4096,
  mode: '0644',
  uid: 0,
  gid: 0,
  links: 1,
  inode: '12',
  mtime_ns: '1',
  ctime_ns: '1',
  atime_ns: '1',
  target: null,
  device: null,
  ...more,
});

describe('names', () => {
  it.each([
    ['plain'],
    ['new\nline'],
    ['tab\t'],
    ['back\\slash'],
    ['\\xe9'],
    ['näme'],
    ['\u202egnp.exe'],
    ['-dash'],
    [' '],
  ])('%j is shown so that it can be typed', (name) => {
    const shown = shownName(Buffer.from(name));
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(bytesOfShown(shown)).toEqual(Buffer.from(name));
  });

  it('bytes that are no UTF-8 are typed as they are shown', () => {
    const bytes = Buffer.from([0x63, 0xe9, 0x5c, 0xff, 0x0a]);
    expect(shownName(bytes)).toBe('c\\xe9\\\\\\xff\\x0a');
    expect(bytesOfShown(shownName(bytes))).toEqual(bytes);
  });
});

describe('places', () => {
  const files = (...states: string[]): FilesOutput =>
    ({ id: 's', volumes: states.map((state, at) => ({ id: `disk-0p${at}`, state })) }) as unknown as FilesOutput;

  it('a volume and a path', () => {
    expect(placeIn(files(), 'vg0/root:/etc/x')).toEqual({
      session: 's',
      volume: 'vg0/root',
      path: Buffer.from('etc/x').toString('base64url'),
    });
    expect(placeIn(files(), 'disk-0p1:').path).toBe('');
  });

  it('a path alone means the only volume that can be read', () => {
    expect(placeIn(files('readable', 'swap'), '/etc').volume).toBe('disk-0p0');
    expect(() => placeIn(files('readable', 'readable'), '/etc')).toThrow('disk-0p0, disk-0p1');
    expect(() => placeIn(files('encrypted'), '/etc')).toThrow('no volume can be read');
    expect(() => placeIn(files('readable'), 'etc')).toThrow('is no path');
  });

  it('are shown as they are typed', () => {
    expect(placeText('disk-0p1', { id: Buffer.from([0x61, 0xe9]).toString('base64url') })).toBe('disk-0p1:/a\\xe9');
  });
});

describe('conditions of a search', () => {
  it('as the route takes them', () => {
    expect(searchQuery({ iname: '*.TXT', minSize: '1.5K', newer: '2h', depth: '3' }, 10_000_000)).toEqual({
      name: '*.TXT',
      ignoreCase: 'yes',
      minSize: '1536',
      since: '2800000',
      depth: '3',
    });
  });

  it('that cannot be are refused', () => {
    expect(() => searchQuery({ name: 'a', iname: 'b' })).toThrow('one of them');
    expect(() => searchQuery({ name: 'a/b' })).toThrow('slash');
    expect(() => searchQuery({ older: 'soon' })).toThrow('--older soon');
    expect(() => searchQuery({ depth: '0' })).toThrow('--depth');
    for (const text of ['', 'x', '1X', '-1', '1e3', '99999T'])
      expect(() => bytesOption('--min-size', text)).toThrow('no size');
  });

  it.each([
    ['0', 0],
    ['10', 10],
    ['10k', 10_240],
    ['2GiB', 2 ** 31],
    ['1TB', 2 ** 40],
  ])('%s', (text, bytes) => {
    expect(bytesOption('--min-size', text)).toBe(bytes);
  });
});

describe('times for touch', () => {
  it.each([
    ['0', '@0.000000000'],
    ['1500000000', '@1.500000000'],
    ['-500000000', '@-0.500000000'],
    ['-1000000001', '@-1.000000001'],
    ['4102444800000000001', '@4102444800.000000001'],
  ])('%s', (ns, text) => {
    expect(touchTime(ns)).toBe(text);
  });
});

describe('ranges and names of downloads', () => {
  it.each([
    ['bytes=0-9', [0, 10]],
    ['bytes=90-', [90, 100]],
    ['bytes=-10', [90, 100]],
    ['bytes=0-999', [0, 100]],
    ['Bytes=0-99999999999999999999', [0, 100]],
    ['bytes=5-1', null],
    ['bytes=0-1,3-4', null],
    ['lines=1-2', null],
    ['bytes=-', null],
  ])('%s', (header, range) => {
    expect(rangeOf(header, 100)).toEqual(range);
  });

  it('a part behind the end is none', () => {
    expect(() => rangeOf('bytes=100-', 100)).toThrow(expect.objectContaining({ code: 'files.range' }) as Error);
    expect(() => rangeOf('bytes=-0', 100)).toThrow('100 bytes');
    expect(() => rangeOf('bytes=99999999999999999999-', 100)).toThrow('100 bytes');
  });

  it('a name never ends its header', () => {
    const header = contentDisposition('a"; filename="evil\\\r\nx: ü*');
    expect(header).toMatch(/^[ -~]*$/);
    expect(header.split('"')).toHaveLength(3);
  });
});

async function* stream(...entries: FilesEntry[]): AsyncGenerator<FilesEntry> {
  yield* entries;
}

describe('differences', () => {
  it('paths are in the order of a walk: what is in a folder before names that go on', () => {
    const paths = ['a', 'a/b', 'a/b/c', 'a-b', 'a.b', 'ab', 'b'];
    expect(paths.toReversed().toSorted((a, b) => comparePaths(Buffer.from(a), Buffer.from(b)))).toEqual(paths);
  });

  it('two walks are merged', async () => {
    const pairs = [];
    for await (const { before, after } of merged(
      stream(entry('a'), entry('a/x'), entry('c')),
      stream(entry('a'), entry('a-'), entry('b'), entry('c')),
    ))
      pairs.push([before?.name ?? null, after?.name ?? null]);
    expect(pairs).toEqual([
      ['a', 'a'],
      ['a/x', null],
      [null, 'a-'],
      [null, 'b'],
      ['c', 'c'],
    ]);
  });

  it('a walk in a wrong order is refused', async () => {
    const all = async (): Promise<void> => {
      for await (const pair of merged(stream(entry('b'), entry('a')), stream())) void pair;
    };
    await expect(all()).rejects.toMatchObject({ code: 'files.reader' });
  });

  it('say what differs', () => {
    const differ = (more: Partial<FilesEntry>, fileSystem = 'ext4', of: Partial<FilesEntry> = {}): string[] =>
      whatDiffers(entry('a', of), entry('a', { ...of, ...more }), fileSystem);
    expect(differ({})).toEqual([]);
    expect(differ({ type: 'link' })).toEqual(['type']);
    expect(differ({ size: 2, mtime_ns: '2' })).toEqual(['size', 'mtime']);
    expect(differ({ mode: '0600', gid: 1 })).toEqual(['mode', 'owner']);
    expect(differ({ inode: '13' })).toEqual(['inode']);
    expect(differ({ inode: '13' }, 'vfat')).toEqual([]);
    expect(differ({ mtime_ns: '2', size: 9, ctime_ns: '3' }, 'ext4', { type: 'folder' })).toEqual([]);
    expect(differ({ target: 'x' }, 'ext4', { type: 'link', target: 'y' })).toEqual(['target']);
  });

  it('are added, removed, changed, or metadata', () => {
    const [a, b] = [entry('a'), entry('a', { ctime_ns: '2' })];
    const change = (before: FilesEntry | null, after: FilesEntry | null, what: string[] = []): string | undefined =>
      differenceOf('v', { before, after }, what)?.change;
    expect(change(null, a)).toBe('added');
    expect(change(a, null)).toBe('removed');
    expect(change(a, b, ['ctime'])).toBe('metadata');
    expect(change(a, b, ['content', 'ctime'])).toBe('changed');
    expect(change(a, a)).toBeUndefined();
    expect(needsBytes(a, ['ctime'])).toBe(true);
    expect(needsBytes(a, ['size'])).toBe(false);
    expect(needsBytes(a, [])).toBe(false);
  });

  it('bytes are compared however they are cut', async () => {
    const of = (...pieces: string[]): Readable => Readable.from(pieces.map((piece) => Buffer.from(piece)));
    expect(await equalStreams(of('ab', 'cd', 'e'), of('a', 'bcde'))).toBe(true);
    expect(await equalStreams(of('abc'), of('abd'))).toBe(false);
    expect(await equalStreams(of('abc'), of('ab'))).toBe(false);
    expect(await equalStreams(of(), of())).toBe(true);
  });
});

it('the history of a file has its versions, and when it was last there', () => {
  const history = createHistory(3);
  const point = (id: string, created: number) => ({ vm: 'vm1', backup_id: id, created });
  history.add(point('p1', 1), 'v', entry('b'));
  history.add(point('p1', 1), 'v', entry('a'));
  history.add(point('p2', 2), 'v', entry('a'));
  history.add(point('p3', 3), 'v', entry('a', { size: 2 }));
  const found = history.end();
  expect(found.map(({ path }) => path)).toEqual(['/a', '/b']);
  expect(found[0]).toMatchObject({ points: ['p1', 'p2', 'p3'], of: 3, last_created: 3 });
  expect(found[0]?.versions).toMatchObject([
    { size: 1, first: 'p1', last: 'p2', points: 2 },
    { size: 2, first: 'p3', last: 'p3', points: 1 },
  ]);
  expect(found[1]).toMatchObject({ points: ['p1'], last_created: 1 });
});
