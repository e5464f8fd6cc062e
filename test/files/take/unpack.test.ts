import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memberIn } from '../../../src/files/take/take-tree.ts';
import { removeTree } from '../../../src/files/take/part.ts';
import { unpack } from '../../../src/files/take/unpack.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';
import { paxOf, tarOf, type Member } from './hostile-tar.ts';

let folder: TemporaryFolder;
let target: string;
let outside: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  target = join(folder.path, 'target');
  outside = join(folder.path, 'outside');
  mkdirSync(target);
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'untouched');
});

afterEach(async () => {
  removeTree(Buffer.from(target));
  await folder[Symbol.asyncDispose]();
});

async function unpackInto(archive: Readable, signal = AbortSignal.timeout(60_000)): Promise<string[]> {
  const opened = openSync(target, 'r');
  try {
    return await unpack(archive, opened, signal);
  } finally {
    closeSync(opened);
  }
}

/** Nothing outside was changed, whatever `unpack` said. */
async function harmlessly(...members: readonly Member[]): Promise<void> {
  await unpackInto(Readable.from([tarOf(...members)])).catch(() => undefined);
  expect(readdirSync(folder.path).toSorted()).toEqual(['outside', 'target']);
  expect(readdirSync(outside)).toEqual(['victim']);
  expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
  expect(existsSync('/tmp/sendense-evil')).toBe(false);
}

describe('an archive that somebody has made up writes nothing outside its folder', () => {
  it('absolute names', async () => {
    await harmlessly({ name: `${outside}/victim`, content: 'evil' }, { name: '/tmp/sendense-evil', content: 'evil' });
  });

  it('names with ..', async () => {
    await harmlessly({ name: '../outside/victim', content: 'evil' }, { name: 'a/../../outside/new', content: 'evil' });
  });

  it('names with .. in a pax header', async () => {
    await harmlessly(
      { name: 'x', type: 'x', content: paxOf('path', '../outside/victim') },
      { name: 'harmless', content: 'evil' },
    );
  });

  it('a symbolic link, and files through it', async () => {
    await harmlessly(
      { name: 'out', type: '2', link: outside },
      { name: 'out/victim', content: 'evil' },
      { name: 'up', type: '2', link: '../outside' },
      { name: 'up/victim', content: 'evil' },
      { name: 'proc', type: '2', link: '/proc/self/fd/3/../../outside' },
      { name: 'proc/new', content: 'evil' },
    );
  });

  it('a chain of links that climbs', async () => {
    await harmlessly(
      { name: 'a', type: '5', mode: 0o755 },
      { name: 'a/b', type: '5', mode: 0o755 },
      { name: 'c', type: '2', link: 'a/b' },
      { name: 'd', type: '2', link: 'c/../../..' },
      { name: 'd/outside/victim', content: 'evil' },
    );
  });

  it('hard links to files outside, and content through them', async () => {
    await harmlessly(
      { name: 'hard', type: '1', link: `${outside}/victim` },
      { name: 'hard', content: 'evil' },
      { name: 'hard2', type: '1', link: '../outside/victim' },
      { name: 'hard2', content: 'evil' },
    );
  });

  it('a folder that an earlier link led out of', async () => {
    symlinkSync(outside, join(target, 'there'));
    await harmlessly({ name: 'there/new', content: 'evil' });
  });
});

describe('unpacking', () => {
  it('gives files, folders, links as they are', async () => {
    const said = await unpackInto(
      Readable.from([
        tarOf(
          { name: './etc/', type: '5', mode: 0o700 },
          { name: './etc/name', content: 'hello', mode: 0o640 },
          { name: './etc/link', type: '2', link: '/etc/shadow' },
        ),
      ]),
    );
    expect(said).toEqual([]);
    expect(readFileSync(join(target, 'etc/name'), 'utf8')).toBe('hello');
    expect(lstatSync(join(target, 'etc/name')).mode & 0o7777).toBe(0o640);
    expect(lstatSync(join(target, 'etc/name')).mtimeMs).toBe(1_000_000_000_000);
    expect(readlinkSync(join(target, 'etc/link'))).toBe('/etc/shadow');
  });

  it('makes no device, and says so', async () => {
    const said = await unpackInto(Readable.from([tarOf({ name: 'null', type: '3', mode: 0o666 }, { name: 'file' })]));
    expect(said.join('\n')).toContain('mknod');
    expect(readdirSync(target)).toEqual(['file']);
  });

  it('is told of all that was left out, also where tar ends before the last bytes of the archive', async () => {
    const record = Buffer.alloc(10_240);
    const pieces = [tarOf({ name: 'null', type: '3' }, { name: 'file' }), ...Array.from({ length: 40 }, () => record)];
    let ended = false;
    const archive = Readable.from(pieces).once('end', () => (ended = true));
    expect(await unpackInto(archive)).toEqual([expect.stringContaining('mknod')]);
    expect(ended).toBe(true);
  });

  it('refuses an archive that has no end behind its end', async () => {
    const record = Buffer.alloc(1024 * 1024);
    const archive = Readable.from([tarOf({ name: 'file' }), ...Array.from({ length: 100 }, () => record)]);
    await expect(unpackInto(archive)).rejects.toMatchObject({ code: 'files.reader' });
  });

  it('refuses what is no archive', async () => {
    await expect(unpackInto(Readable.from([Buffer.alloc(4096, 7)]))).rejects.toMatchObject({ code: 'files.reader' });
  });

  it('refuses one that ends too early', async () => {
    const whole = tarOf({ name: 'file', content: 'x'.repeat(100_000) });
    await expect(unpackInto(Readable.from([whole.subarray(0, 20_000)]))).rejects.toMatchObject({
      code: 'files.reader',
    });
  });

  it('ends with its connection, and with its signal', async () => {
    const broken = new Readable({ read() {} });
    broken.push(tarOf({ name: 'file', content: 'x'.repeat(5000) }).subarray(0, 1024));
    setTimeout(() => broken.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })), 50);
    await expect(unpackInto(broken)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const reason = new Error('stopped');
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 50);
    await expect(unpackInto(new Readable({ read() {} }), stop.signal)).rejects.toBe(reason);
  });
});

describe('removing what was unpacked', () => {
  it('needs few descriptors and no right to read, however deep it is, and follows no link', async () => {
    await execa('sh', ['-c', deepTree, 'sh', outside], { cwd: target });
    const code = `import { removeTree } from '${part}'; removeTree(Buffer.from('tree'));`;
    const words = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', code];
    await execa('sh', words, { cwd: target, timeout: 200_000 });
    expect(readdirSync(target)).toEqual([]);
    expect(readdirSync(outside)).toEqual(['victim']);
  });
});

const part = new URL('../../../src/files/take/part.ts', import.meta.url).href;

/** 100 folders, one in the other, each with a file and a link out. */
const deepTree = `
mkdir tree && cd -P tree
for at in $(seq 100); do
  ln -s "$1" out; : > file; mkdir "folder$at"; chmod 300 .; cd -P "folder$at"
done`;

describe('what was asked for in what was unpacked', () => {
  it('is found by its path', () => {
    mkdirSync(join(target, 'a'));
    writeFileSync(join(target, 'a/b'), '');
    expect(memberIn(target, Buffer.from('a/b')).toString()).toBe(join(target, 'a/b'));
    expect(memberIn(target, Buffer.alloc(0)).toString()).toBe(target);
  });

  it('is not looked for behind a link', () => {
    symlinkSync(outside, join(target, 'a'));
    expect(() => memberIn(target, Buffer.from('a/victim'))).toThrow('does not hold');
    expect(() => memberIn(target, Buffer.from('gone'))).toThrow('does not hold');
  });
});
