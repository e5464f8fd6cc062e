import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { zipName } from '../../../src/hub/files/zip/zip-names.ts';
import { centralRecord, type ZipEntry } from '../../../src/hub/files/zip/zip-records.ts';
import { zipStream, type ZipStream } from '../../../src/hub/files/zip/zip-stream.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { testAtFullLength } from '../../support/at-full-length.ts';

const entry = (name: string, size: number, more: Partial<ZipEntry> = {}): ZipEntry => ({
  name: Buffer.from(name),
  mode: 0o100644,
  mtime: 981_173_106_000_000_000n,
  size,
  ...more,
});

/** An archive in a file. */
async function archive(path: string, fill: (zip: ZipStream) => Promise<void>): Promise<void> {
  const file = openSync(path, 'w');
  try {
    const zip = zipStream(async (bytes) => void writeSync(file, bytes));
    await fill(zip);
    await zip.end();
  } finally {
    closeSync(file);
  }
}

/** What Python's zipfile, another implementation, says of it. */
const python = (script: string, path: string): unknown =>
  JSON.parse(
    execFileSync('python3', ['-c', `import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n${script}`, path], {
      encoding: 'utf8',
    }),
  );

describe('a zip archive', () => {
  it('of more than 65,535 entries is whole for others', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('many.zip');
    await archive(path, async (zip) => {
      for (let at = 0; at < 66_000; at++) await zip.add(entry(`folder/${at}`, 0));
    });
    expect(python('print(json.dumps([len(z.namelist()), z.namelist()[-1], z.testzip()]))', path)).toEqual([
      66_000,
      'folder/65999',
      null,
    ]);
    expect(execFileSync('unzip', ['-Z', '-t', path], { encoding: 'utf8' })).toMatch(/^66000 files/);
  });

  it('has content, modes and times, and nothing of an entry that failed before its first byte', async () => {
    await using folder = await temporaryFolder();
    const path = folder.file('some.zip');
    const text = Buffer.from('hello '.repeat(1000));
    await archive(path, async (zip) => {
      await zip.add(entry('a', text.length, { mode: 0o104750 }), (write) => write(text));
      const failing = zip.add(entry('b', 5), () => Promise.reject(new Error('damaged')));
      await expect(failing).rejects.toThrow('damaged');
      await zip.add(entry('early', 0, { mtime: -5_000_000_000_000_000_000n }));
      await zip.add(entry('late', 0, { mtime: 9_000_000_000_000_000_000n }));
    });
    const script =
      'print(json.dumps([[i.filename, oct(i.external_attr >> 16), i.date_time[0]] for i in z.infolist()] + [z.read("a").decode()]))';
    expect(python(script, path)).toEqual([
      ['a', '0o104750', 2001],
      ['early', '0o100644', 1980],
      ['late', '0o100644', 2107],
      text.toString(),
    ]);
  });

  it('names sizes and places beyond 4 GiB', () => {
    const [large, far] = [5 * 2 ** 30, 6 * 2 ** 30];
    const record = centralRecord(entry('x', large), { crc: 1, packed: 7, bytes: large, offset: far });
    const extra = record.subarray(46 + 1 + 9);
    expect([record.readUInt32LE(24), record.readUInt32LE(42), record.readUInt32LE(20)]).toEqual([
      0xffff_ffff, 0xffff_ffff, 7,
    ]);
    expect([extra.readUInt16LE(0), extra.readBigUInt64LE(4), extra.readBigUInt64LE(12)]).toEqual([
      1,
      BigInt(large),
      BigInt(far),
    ]);
  });

  testAtFullLength(
    'with a file of more than 4 GiB is whole for others',
    async () => {
      await using folder = await temporaryFolder();
      const path = folder.file('large.zip');
      const piece = Buffer.alloc(2 ** 26);
      const size = 4.5 * 2 ** 30;
      await archive(path, async (zip) => {
        await zip.add(entry('large', size), async (write) => {
          for (let done = 0; done < size; done += piece.length) await write(piece);
        });
        await zip.add(entry('small', 1), (write) => write(Buffer.from('x')));
      });
      expect(readFileSync(path).length).toBeLessThan(2 ** 26);
      expect(execFileSync('unzip', ['-tq', path], { encoding: 'utf8' })).toContain('No errors');
      expect(
        python('print(json.dumps([z.testzip(), z.getinfo("large").file_size, z.read("small").decode()]))', path),
      ).toEqual([null, size, 'x']);
    },
    300_000,
  );
});

describe('names in a zip archive', () => {
  it.each([
    ['etc/hostname', 'etc/hostname'],
    ['srv/käse', 'srv/käse'],
    ['srv/back\\slash', 'srv/back%5Cslash'],
    ['new\nline', 'new%0Aline'],
    ['C:', 'C%3A'],
    ['50%', '50%'],
    ['caf%E9', 'caf%25E9'],
    ['_names.json', '%5Fnames.json'],
    ['_names.json/below', '%5Fnames.json/below'],
    ['deep/_names.json', 'deep/_names.json'],
  ])('%j is %j', (name, expected) => expect(zipName(Buffer.from(name))).toBe(expected));

  it('that are no UTF-8 keep each byte, and none becomes another one', () => {
    const names = [...Array(256).keys()]
      .filter((byte) => byte !== 0 && byte !== 0x2f)
      .map((byte) => Buffer.from([0xff, byte]));
    const others = ['%FF', '%FFa', '%25FF', 'ÿ'].map((name) => Buffer.from(name));
    const all = [...names, ...others].map(zipName);
    expect(new Set(all).size).toBe(all.length);
    expect(zipName(Buffer.from([0x63, 0xe9]))).toBe('c%E9');
  });
});
