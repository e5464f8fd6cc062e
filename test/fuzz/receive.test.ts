import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { errorToJson, toSendenseError } from '../../src/errors/sendense-error.ts';
import { localReceiver } from '../../src/hub/repositories/receiver.ts';
import { serveReceiver } from '../../src/hub/repositories/serve-receiver.ts';
import type { MaintenanceRun } from '../../src/hub/repositories/maintenance-run.ts';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import { holdVm } from '../../src/repository/vm-lock/hold-vm.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';
import { stepBench, type StepBench } from '../steps/step-bench.ts';
import { inPieces, sink, streamOf } from './chunks.ts';
import { fuzz, judge } from './harness.ts';
import { changedBytes } from './hostile.ts';
import { hostileJson, parsedOf } from './hostile-json.ts';
import { assertInside, touched } from './touched.ts';

let bench: StepBench;
let image: Buffer;
beforeAll(async () => {
  bench = await stepBench({ repositories: { second: { path: './second', minFree: 0 } } });
  const file = bench.folder.file('image.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', file, '65536']);
  image = readFileSync(file);
  lines.push(...soundLines());
});
afterAll(() => bench[Symbol.asyncDispose]());

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
type Said = unknown;

const lines: (readonly [Said, Buffer | null])[] = [];

/** A restore point as another hub sends it: each request, with the bytes that follow it. */
function soundLines(): (readonly [Said, Buffer | null])[] {
  const index = Buffer.from('index');
  const disk = someDisk('b1', 0, {
    file_bytes: image.length,
    index: { path: 'disk-0/b1.index', bytes: index.length, sha256: sha256(index) },
  });
  const content = someManifest('b1', { vm: { name: 'vm', context: 'vm' }, disks: [disk] });
  const file = (path: string, data: Buffer): (readonly [Said, Buffer | null])[] => [
    [{ op: 'begin', path, bytes: data.length }, null],
    [{ op: 'write', bytes: data.length }, data],
    [{ op: 'finish', facts: { path, bytes: data.length, mtime_ns: '1', sha256: sha256(data) } }, null],
  ];
  return [
    [{ op: 'hello', version: 1, context: 'vm' }, null],
    [{ op: 'reserve', bytes: 100 }, null],
    ...file('vm/disk-0/b1.qcow2', image),
    ...file('vm/disk-0/b1.index', index),
    [{ op: 'commit', text: JSON.stringify({ ...content, checksum: manifestChecksum(content) }), marks: null }, null],
    [{ op: 'done' }, null],
  ];
}

/** One request of the ten is another than it should be, or its bytes are. */
const talk: fc.Arbitrary<Buffer> = fc.nat(9).chain((which) =>
  fc
    .tuple(
      fc.constant(null).chain(() => hostileJson(fc.constant(lines[which]?.[0] ?? null))),
      fc.constant(null).chain(() => changedBytes(fc.constant(lines[which]?.[1] ?? Buffer.alloc(0)))),
      fc.nat(9),
      fc.option(hostileManifest(), { freq: 2 }),
    )
    .map(([request, bytes, again, manifest]) =>
      Buffer.concat(
        lines.flatMap(([said, data], at) => {
          const own =
            (said as { op: string }).op === 'commit' && manifest ? { ...(said as object), text: manifest } : said;
          const line = at === which && !manifest ? request : Buffer.from(JSON.stringify(own));
          const pieces = [line, Buffer.from('\n'), at === which ? bytes : (data ?? Buffer.alloc(0))];
          return again === which && at === which ? [...pieces, ...pieces] : pieces;
        }),
      ),
    ),
);

/** The text of a manifest that is committed: whatever stands in it, its checksum often fits. */
function hostileManifest(): fc.Arbitrary<string> {
  return fc.constant(null).chain(() => {
    const sent = JSON.parse((lines[8]?.[0] as { text: string } | undefined)?.text ?? '{}') as object;
    return fc.tuple(hostileJson(fc.constant(sent)), fc.nat(3)).map(([text, seals]) => {
      const value = parsedOf(text);
      if (seals === 0 || typeof value !== 'object' || value === null || Array.isArray(value))
        return text.toString('utf8');
      try {
        return JSON.stringify({ ...value, checksum: manifestChecksum(value as never) });
      } catch {
        return text.toString('utf8');
      }
    });
  });
}

const run = (): MaintenanceRun =>
  ({
    id: 'fuzz',
    lock: async ({ root, context }: { root: string; context: string }) => {
      const hold = await holdVm({ root, context, hub: 'h', run: 'fuzz' });
      held.push(hold);
      return hold;
    },
  }) as unknown as MaintenanceRun;
const held: AsyncDisposable[] = [];

fuzz('what another hub sends', {
  input: inPieces(talk),
  few: 60,
  sound: (): [Buffer, number[]][] => {
    const all = lines.flatMap(([said, data]) => [Buffer.from(`${JSON.stringify(said)}\n`), data ?? Buffer.alloc(0)]);
    return [[Buffer.concat(all), []]];
  },
  attempt: async ([bytes, places]) => {
    const root = bench.folder.file('second');
    await mkdir(dirname(root), { recursive: true });
    const { output, text } = sink();
    const { result, paths } = await touched(async () => {
      const verdict = await judge(async () => {
        await using receiver = localReceiver(bench.services, 'second', run());
        await serveReceiver(streamOf(bytes, places), output, receiver);
      });
      for (const hold of held.splice(0)) await hold[Symbol.asyncDispose]();
      return verdict;
    });
    assertInside(
      bench.folder.path,
      paths.filter((path) => !['/etc/machine-id', '/dev/shm'].includes(path) && !path.startsWith('/sys/')),
    );
    // Beside the marker and what Sendense keeps itself, only the VM that was named.
    for (const line of text().split('\n').filter(Boolean)) JSON.parse(line);
    if (result.refused) expect(errorToJson(toSendenseError(result.refused)).code).not.toBe('state.unusable');
    await rm(root, { recursive: true, force: true });
    for (const table of ['backup_disks', 'backups', 'vm_disks', 'vm_contexts'])
      bench.state.run(bench.state.query.deleteFrom(table as never));
    return result.refused === undefined;
  },
});
