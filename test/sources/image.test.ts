import { readFile } from 'node:fs/promises';
import { imageSource } from '../../src/node/sources/image/image-source.ts';
import { imageKind } from '../../src/sources/image/image-kind.ts';
import { makeRaw, MiB, workshop } from '../node/support.ts';
import { conforms } from './conformance.ts';

conforms('image', async () => {
  const at = await workshop();
  const files = [
    await makeRaw(at.path('disk0.raw'), 2 * MiB, [[65_536, 100_000]]),
    await makeRaw(at.path('disk1.raw'), MiB, [[0, 512]]),
  ];
  const disk = (path: string) => ({ path, allowInUse: false });
  return {
    kind: imageKind,
    source: imageSource,
    settings: { type: 'image', vms: { pgtest1: { disks: [disk('disk0.raw'), disk('disk1.raw')] } } },
    place: { name: 'images', folder: at.folder, readFile: () => Buffer.alloc(0) },
    vm: { name: 'pgtest1' },
    vmName: 'pgtest1',
    account: null,
    contents: await Promise.all(files.map((file) => readFile(file))),
    traces: async () => [],
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
});
