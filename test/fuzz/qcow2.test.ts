import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { foreignHeader } from '../../src/host/images/foreign-header.ts';
import { layersOf } from '../../src/host/images/image-layers.ts';
import { targetOf } from '../../src/host/images/image-options.ts';
import { backingNameOf, readQcow2Header } from '../../src/host/images/qcow2-header.ts';
import { readQcow2Tables } from '../../src/host/images/qcow2-tables.ts';
import { provenBlocks } from '../../src/repository/envelope.ts';
import { foreignImage, foreignInChain } from '../../src/repository/own-image.ts';
import { random } from '../support/random.ts';
import { fuzz, judge } from './harness.ts';
import { bigEdges, hostileBytes, hostileText, integerBytes, part } from './hostile.ts';
import { assertInside, touched } from './touched.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sendense-fuzz-')));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const qemuImg = (...args: string[]): Buffer => execFileSync('qemu-img', args);

/** As the product's qemu-img makes them: empty ones, some with data, on others, compressed, of small and of usual clusters. */
const sound = ((): Buffer[] => {
  const raw = random('disk').bytes(40_000);
  writeFileSync(at('disk.raw'), Buffer.concat([raw, Buffer.alloc(200_000), raw]));
  qemuImg('create', '-q', '-f', 'qcow2', at('parent.qcow2'), '1M');
  qemuImg('create', '-q', '-f', 'qcow2', at('empty.qcow2'), '64T');
  qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'parent.qcow2', at('overlay.qcow2'));
  qemuImg('create', '-q', '-f', 'qcow2', '-o', 'compat=0.10', at('old.qcow2'), '1M');
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=512', at('disk.raw'), at('small.qcow2'));
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=4096', at('disk.raw'), at('data.qcow2'));
  qemuImg(
    'convert',
    '-c',
    '-f',
    'raw',
    '-O',
    'qcow2',
    '-o',
    'cluster_size=4096,compression_type=zstd',
    at('disk.raw'),
    at('zstd.qcow2'),
  );
  return ['empty', 'overlay', 'old', 'small', 'data', 'zstd'].map((name) => readFileSync(at(`${name}.qcow2`)));
})();

type Change = (bytes: Buffer) => Buffer;

const written = (bytes: Buffer, place: number, put: Uint8Array): Buffer => {
  const changed = Buffer.from(bytes);
  changed.set(put.subarray(0, Math.max(0, changed.length - place)), place);
  return changed;
};

/** Fields of a header (QEMU, docs/interop/qcow2.rst): place, bytes. */
const fields: readonly (readonly [number, number])[] = [
  [4, 4],
  [8, 8],
  [16, 4],
  [20, 4],
  [24, 8],
  [32, 4],
  [36, 4],
  [40, 8],
  [48, 8],
  [56, 4],
  [60, 4],
  [64, 8],
  [72, 8],
  [80, 8],
  [88, 8],
  [96, 4],
  [100, 4],
  [104, 1],
];

const value = fc.oneof(fc.constantFrom(...bigEdges), fc.bigInt(0n, 2n ** 20n), fc.bigInt(0n, 2n ** 64n - 1n));

const fieldChange: fc.Arbitrary<Change> = fc.tuple(fc.constantFrom(...fields), value).map(
  ([[place, width], number]): Change =>
    (bytes) =>
      written(bytes, place, integerBytes(number, width, true)),
);

/** A name of a backing file, with the format that is said of it. */
const backingChange: fc.Arbitrary<Change> = fc
  .tuple(
    fc.oneof(hostileText, fc.constantFrom('parent.qcow2', 'overlay.qcow2', 'changed.qcow2', 'data.qcow2', 'disk.raw')),
    fc.constantFrom('qcow2', 'raw', '', 'qcow2\0'),
    fc.nat(3),
  )
  .map(([name, format, off]): Change => (bytes) => {
    const text = Buffer.from(name).subarray(0, 1100);
    const extension = Buffer.concat([
      integerBytes(0xe2792acan, 4, true),
      integerBytes(BigInt(format.length), 4, true),
      Buffer.from(format.padEnd(8, '\0')),
    ]);
    const place = 104 + off;
    const withFormat = written(
      written(written(bytes, place, extension), place + 16, Buffer.alloc(8)),
      place + 24,
      text,
    );
    const header = written(withFormat, 8, integerBytes(BigInt(place + 24), 8, true));
    return written(
      written(header, 16, integerBytes(BigInt(text.length), 4, true)),
      100,
      integerBytes(104n + BigInt(off), 4, true),
    );
  });

const extensionChange: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(0n, 0xe2792acan, 0x44415441n, 0x6803f857n, 0x23852875n, 0x0537be77n, 1n), value)
  .map(
    ([type, length]): Change =>
      (bytes) =>
        written(bytes, 104, Buffer.concat([integerBytes(type, 4, true), integerBytes(length, 4, true)])),
  );

/** Of a table of the first or the second level: as many bytes as there are places. */
const entryChange: fc.Arbitrary<Change> = fc.tuple(part, value, fc.constantFrom(0n, 1n, 1n << 62n, 1n << 63n)).map(
  ([place, number, bits]): Change =>
    (bytes) =>
      written(bytes, Math.floor((place * bytes.length) / 8) * 8, integerBytes(number | bits, 8, true)),
);

const images = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...sound),
        fc.array(fc.oneof(fieldChange, fieldChange, backingChange, extensionChange, entryChange), {
          minLength: 1,
          maxLength: 4,
          size: 'max',
        }),
      )
      .map(([bytes, changes]) => changes.reduce((now, change) => change(now), bytes)),
  },
  { weight: 1, arbitrary: hostileBytes(fc.constantFrom(...sound)) },
);

fuzz('headers of qcow2 files', {
  input: images,
  few: 150,
  attempt: async (bytes) => {
    const file = at('changed.qcow2');
    writeFileSync(file, bytes);
    const { result: header, paths } = await touched(() => readQcow2Header(file));
    assertInside(folder, paths);
    expect(await backingNameOf(file)).toBe(header && header.backing);
    await judge(() => foreignImage(file, null, 'parent'));
    const { paths: opened } = await touched(() => judge(() => foreignInChain(file, header, 'parent')));
    assertInside(folder, opened);
    const walk = await touched(() => judge(() => layersOf(file)));
    assertInside(folder, walk.paths);
    const layers = walk.result.accepted;
    if (!layers) return expect(['chain.damaged', 'file.unreadable']).toContain(walk.result.refused?.code);
    expect(foreignHeader(header)).toBeNull();
    expect(layers[0]?.file).toBe(file);
    assertInside(
      folder,
      layers.map((layer) => layer.file),
    );
    const { name } = targetOf(layers, { key: { id: '0'.repeat(16), passphrase: 'x' } });
    for (const [, named = '""'] of name.matchAll(/"filename":("[^"]*")/g))
      assertInside(folder, [JSON.parse(named) as string]);
    // Names with a backslash or a quote are none that Sendense gives.
    expect(name).not.toContain('\\');
  },
});

fuzz('tables of qcow2 files', {
  input: images,
  few: 100,
  attempt: async (bytes) => {
    const file = at('tables.qcow2');
    writeFileSync(file, bytes);
    const { accepted: tables } = await judge(() => readQcow2Tables(file));
    await judge(() => provenBlocks(file, `sha256:${'0'.repeat(64)}`));
    let last = 0;
    for (const { guest, host, length } of tables?.data ?? []) {
      expect(guest >= last && host >= 0 && length > 0).toBe(true);
      expect(host + length <= bytes.length).toBe(true);
      last = guest + length;
    }
    expect(last <= (tables?.virtualSize ?? 0)).toBe(true);
  },
});
