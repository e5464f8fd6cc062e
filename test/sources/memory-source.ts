import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';
import type { OpenOptions, Source } from '../../src/node/sources/source.ts';
import type { DiskInfo, ImageSourceSpec } from '../../src/schemas/types.ts';
import { imageKind } from '../../src/sources/image/image-kind.ts';
import type { OpenDisk } from '../../src/sources/open-source.ts';
import type { Subject } from './subject.ts';

export type Disks = ReadonlyMap<string, Buffer>;

/** Disks in memory, by path. They wear the type `image`, because the schemas know no other that is as plain. */
export const memorySource = (disks: Disks): Source<ImageSourceSpec> => ({
  type: 'image',
  files: (spec) => spec.disks.map(({ path }, number) => ({ field: `/disks/${number}/path`, path })),
  discover: async (spec, { own }) => ({
    disks: spec.disks.map(({ path }, number) => infoOf(path, number, contentOf(disks, path, own))),
    warnings: [],
  }),
  inventory: null,
  open: async (spec, options) => ({
    keys: spec.disks.map((_, number) => String(number)),
    disk: async (key) => {
      const path = spec.disks[Number(key)]?.path;
      if (path === undefined) throw new SendenseError('source.missing', `there is no disk ${key}`);
      return openDisk(contentOf(disks, path, options.own), key, options);
    },
    [Symbol.asyncDispose]: async () => {},
  }),
  login: null,
  traces: null,
  specChanges: null,
});

async function openDisk(content: Buffer, key: string, options: OpenOptions): Promise<OpenDisk> {
  const { jobFolder, socketFolder, signal } = options;
  signal?.throwIfAborted();
  const file = join(jobFolder, `memory-${key}.raw`);
  await writeFile(file, content);
  const server = await serveNbd({
    file,
    format: 'raw',
    readOnly: true,
    listen: { socket: join(socketFolder, `memory-${key}.sock`) },
    exportName: '',
    pidFile: join(jobFolder, `memory-${key}.pid`),
  });
  return {
    uri: server.uri,
    warnings: [],
    bytesRead: () => null,
    changes: async () => null,
    assertUnchanged: async () => {},
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}

function contentOf(disks: Disks, path: string, own: readonly string[] = []): Buffer {
  if (own.includes(path)) throw new SendenseError('source.unsupported', `${path} belongs to Sendense itself`);
  const content = disks.get(path);
  if (content) return content;
  throw new SendenseError('source.missing', `there is no disk ${path} in memory`);
}

const infoOf = (path: string, number: number, content: Buffer): DiskInfo => ({
  key: String(number),
  uuid: createHash('sha256').update(path).digest('hex').slice(0, 32),
  label: basename(path),
  path,
  format: 'raw',
  capacity_bytes: content.length,
  allocated_bytes: null,
  change_tracking: 'digest',
  change_id: null,
  changed_since: null,
  changed_bytes: null,
  changed_data_bytes: null,
  still: true,
  warnings: [],
});

/** A VM whose disks are in memory. @param source what is judged, in the place of the source itself */
export function memorySubject(disks: Disks, source = memorySource(disks)): Subject<'image'> {
  const written = [...disks.keys()].map((path) => ({ path, allowInUse: false }));
  const [first, ...rest] = written;
  if (!first) throw new Error('a VM has a disk');
  return {
    kind: imageKind,
    source,
    settings: { type: 'image', vms: { pgtest1: { disks: [first, ...rest] } } },
    place: { name: 'memory', folder: '/', readFile: () => Buffer.alloc(0) },
    vm: { name: 'pgtest1' },
    vmName: 'pgtest1',
    account: null,
    contents: [...disks.values()],
    traces: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
}
