import { createHash } from 'node:crypto';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { maintenanceRun } from '../../../src/hub/repositories/maintenance-run.ts';
import { localReceiver } from '../../../src/hub/repositories/receiver.ts';
import { pipeReader, writeBytes } from '../../../src/hub/repositories/receiver-wire.ts';
import { serveReceiver } from '../../../src/hub/repositories/serve-receiver.ts';
import { manifestChecksum } from '../../../src/repository/manifest.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { someDisk, someManifest } from '../../repository/some-manifest.ts';
import { stepBench, type StepBench } from '../../steps/step-bench.ts';

const settings: Partial<Settings> = { repositories: { second: { path: './second', minFree: 0 } } };

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Says all that to a receiver, as another hub would. */
async function say(bench: StepBench, said: readonly (object | Uint8Array)[]): Promise<void> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  output.resume();
  for (const one of said) input.write(one instanceof Uint8Array ? one : `${JSON.stringify(one)}\n`);
  input.end();
  await maintenanceRun(bench.state, { name: 'repo-receive', vm: '*', repository: 'second' }, async (run) => {
    await using receiver = localReceiver(bench.services, 'second', run);
    await serveReceiver(input, output, receiver);
  });
}

const hello = { op: 'hello', version: 1, context: 'vm' };

const file = (path: string, data: Uint8Array): (object | Uint8Array)[] => [
  { op: 'begin', path, bytes: data.length },
  ...Array.from({ length: Math.ceil(data.length / writeBytes) }, (_, at) =>
    data.subarray(at * writeBytes, (at + 1) * writeBytes),
  ).flatMap((piece) => [{ op: 'write', bytes: piece.length }, piece]),
  { op: 'finish', facts: { path, bytes: data.length, mtime_ns: '1', sha256: sha256(data) } },
];

/** A restore point of one disk, with whatever image. */
function point(id: string, image: Uint8Array, parent: string | null = null): (object | Uint8Array)[] {
  const index = Buffer.from('index');
  const disk = someDisk(id, 0, {
    parent,
    file_bytes: image.length,
    index: { path: `disk-0/${id}.index`, bytes: index.length, sha256: sha256(index) },
  });
  const content = someManifest(id, { vm: { name: 'vm', context: 'vm' }, disks: [disk] });
  const text = JSON.stringify({ ...content, checksum: manifestChecksum(content) });
  return [
    ...file(`vm/disk-0/${id}.qcow2`, image),
    ...file(`vm/disk-0/${id}.index`, index),
    { op: 'commit', text, marks: null },
  ];
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

test('an honest restore point is taken', async () => {
  await using bench = await stepBench(settings);
  const image = bench.folder.file('image.qcow2');
  await execa('qemu-img', ['create', '-f', 'qcow2', image, '65536']);
  await say(bench, [hello, ...point('b1', await readFile(image)), { op: 'done' }]);
  expect(await isThere(bench.folder.file('second/vm/b1.json'))).toBe(true);
});

test('a manifest that is nothing is refused as such', async () => {
  await using bench = await stepBench(settings);
  const sent = [hello, { op: 'commit', text: 'null', marks: null }];
  await expect(say(bench, sent)).rejects.toMatchObject({ code: 'repository.damaged' });
});

describe('an image is not taken', () => {
  test('whose data are in another file: reading it would read any file of this hub, merging into it write it', async () => {
    await using bench = await stepBench(settings);
    const victim = bench.folder.file('victim');
    await writeFile(victim, Buffer.alloc(65_536, 7));
    const image = bench.folder.file('image.qcow2');
    await execa('qemu-img', ['create', '-f', 'qcow2', '-o', `data_file=${victim},data_file_raw=on`, image, '65536']);
    const sent = [hello, ...point('b1', await readFile(image)), { op: 'done' }];
    await expect(say(bench, sent)).rejects.toMatchObject({ code: 'repository.damaged' });
    expect(await isThere(bench.folder.file('second/vm/b1.json'))).toBe(false);
  });

  test('that is built on one outside of its folder', async () => {
    await using bench = await stepBench(settings);
    const other = bench.folder.file('other.qcow2');
    await execa('qemu-img', ['create', '-f', 'qcow2', other, '65536']);
    const image = bench.folder.file('image.qcow2');
    await execa('qemu-img', [
      'create',
      '-u',
      '-f',
      'qcow2',
      '-F',
      'qcow2',
      '-b',
      '../../../other.qcow2',
      image,
      '65536',
    ]);
    const decoy = file('vm/disk-0/other.qcow2', await readFile(other));
    const sent = [hello, ...decoy, ...point('b1', await readFile(image), '../../../other'), { op: 'done' }];
    await expect(say(bench, sent)).rejects.toMatchObject({ code: 'repository.damaged' });
    expect(await isThere(bench.folder.file('second/vm/b1.json'))).toBe(false);
  });
});

describe('a restore point is not taken', () => {
  const imageOn = async (bench: StepBench, parent: string): Promise<Buffer> => {
    const image = bench.folder.file('image.qcow2');
    await execa('qemu-img', ['create', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', `${parent}.qcow2`, image, '65536']);
    return readFile(image);
  };

  test('that is its own parent: whoever walked its chain would never end', async () => {
    await using bench = await stepBench(settings);
    const sent = [hello, ...point('b1', await imageOn(bench, 'b1'), 'b1'), { op: 'done' }];
    await expect(say(bench, sent)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining('is built on itself') as string,
    });
    expect(await isThere(bench.folder.file('second/vm/b1.json'))).toBe(false);
  });

  test('whose parent is no committed restore point, though a file has its name', async () => {
    await using bench = await stepBench(settings);
    const image = await imageOn(bench, 'b0');
    const sent = [hello, ...file('vm/disk-0/b0.qcow2', image), ...point('b1', image, 'b0'), { op: 'done' }];
    await expect(say(bench, sent)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining('built on b0, which is not a restore point here') as string,
    });
    expect(await isThere(bench.folder.file('second/vm/b1.json'))).toBe(false);
  });
});

test('marks that are none are not put in place', async () => {
  await using bench = await stepBench(settings);
  const image = bench.folder.file('image.qcow2');
  await execa('qemu-img', ['create', '-f', 'qcow2', image, '65536']);
  const sent = point('b1', await readFile(image)).map((one) =>
    'op' in one && one.op === 'commit' ? { ...one, marks: 'x' } : one,
  );
  await expect(say(bench, [hello, ...sent, { op: 'done' }])).rejects.toMatchObject({ code: 'repository.damaged' });
  expect((await readdir(join(bench.folder.file('second'), 'vm'))).filter((name) => name.endsWith('.marks'))).toEqual(
    [],
  );
});

test('a file gets no more bytes than were announced', async () => {
  await using bench = await stepBench(settings);
  const sent = [
    hello,
    { op: 'begin', path: 'vm/disk-0/b1.qcow2', bytes: 10 },
    { op: 'write', bytes: 11 },
    Buffer.alloc(11),
  ];
  await expect(say(bench, sent)).rejects.toMatchObject({ code: 'link.protocol' });
});

test('nothing is taken before the VM is named', async () => {
  await using bench = await stepBench(settings);
  for (const request of [{ op: 'reserve', bytes: 1 }, { op: 'done' }, { op: 'commit', text: '{}', marks: null }])
    await expect(say(bench, [request])).rejects.toMatchObject({ code: 'link.protocol' });
});

test('what is no request at all is told so', async () => {
  await using bench = await stepBench(settings);
  for (const request of ['null', '5', '[]', '{"op":"begin","path":["vm/disk-0/b1.qcow2"],"bytes":1}'])
    await expect(say(bench, [hello, Buffer.from(`${request}\n`)])).rejects.toMatchObject({ code: 'link.protocol' });
});

test('a request line has an end: one of more than a MiB is not collected', async () => {
  await using bench = await stepBench(settings);
  const pieces = Array.from({ length: 100 }, () => Buffer.alloc(65_536, 'x'));
  await expect(say(bench, [hello, ...pieces])).rejects.toMatchObject({
    code: 'link.protocol',
    message: 'a line of the copy has more than 1048576 bytes',
  });
});

test('lines and bytes come whole, however they are cut', async () => {
  const text = `${'a'.repeat(1000)}\nshort\n12345\n\nrest`;
  for (const size of [1, 2, 7, 999, 1001, 5000]) {
    const stream = new PassThrough();
    for (let at = 0; at < text.length; at += size) stream.write(text.slice(at, at + size));
    stream.end();
    const reader = pipeReader(stream, 1000);
    expect(await reader.line()).toBe('a'.repeat(1000));
    expect(await reader.line()).toBe('short');
    expect((await reader.bytes(3)).toString()).toBe('123');
    expect((await reader.bytes(0)).length).toBe(0);
    expect(await reader.line()).toBe('45');
    expect(await reader.line()).toBe('');
    await expect(reader.bytes(5)).rejects.toMatchObject({ code: 'ssh.lost' });
  }
});
