import { join } from 'node:path';
import { toSendenseError } from '../../../errors/sendense-error.ts';
import { serveNbd, type NbdServer } from '../../../host/nbd/qemu-nbd.ts';
import type { ImageTarget } from '../../../host/images/image-options.ts';
import { lacksLockedRaw, lockedRaw } from '../../../host/images/raw-image.ts';
import type { OpenDisk } from '../../../sources/open-source.ts';
import type { OpenOptions } from '../source.ts';
import { bytesReadBy } from './bytes-read.ts';
import { checkDiskFile, holdDevice, type DiskFile, type DiskSpec } from './disk-file.ts';
import { assertStamps, stampFiles } from './file-stamp.ts';
import { describeLayers } from './describe-layers.ts';
import { takesLock } from './image-chain.ts';
import { filesOf, judgeLayers, openJudged, type JudgedLayer } from './judge-layers.ts';
import { assertOpened } from './opened-files.ts';
import { assertNobodyBeganToWrite, assertNobodyWrites } from './writers.ts';

export interface ServeImageOptions extends Pick<OpenOptions, 'jobFolder' | 'socketFolder' | 'signal' | 'warn' | 'own'> {
  readonly key: string;
  warnings(block: boolean): readonly string[];
  changes(capacity: number): ReturnType<OpenDisk['changes']>;
}

/**
 * Serves a disk, read-only. Nobody may have it open for writing, and as long as it is served no QEMU can open it for writing and
 * nobody can mount it; who else wrote to it in between is noticed in the end.
 * @throws SendenseError `source.*`, `nbd.failed`
 */
export async function serveImage(disk: DiskSpec, options: ServeImageOptions): Promise<OpenDisk> {
  const file = await checkDiskFile(disk);
  const shared = disk.allow_in_use;
  await using opened = new AsyncDisposableStack();
  if (file.block && !shared) {
    const device = opened.use(await holdDevice(file.path));
    // What waited in the page cache would count as written meanwhile.
    await device.sync();
  }
  const layer = await judgeLayers(file, options.own ?? []);
  const judged = filesOf(layer);
  const files = [...new Set(judged.map(({ path }) => path))];
  const stamps = shared
    ? new Map<string, string>()
    : await stampFiles([...files, ...(disk.changes === null ? [] : [disk.changes])]);
  options.signal?.throwIfAborted();
  const server = await serve(file, layer, shared, options);
  opened.defer(async () => void (await server.stop({ graceMs: 5000 })));
  await assertOpened(server.process.pid, judged, [pidFileOf(options)]);
  const rawFile = file.format === 'raw' ? opened.use(await openJudged(layer)) : undefined;
  // After the stamps: who has written and closed it since then is noticed by them.
  if (!shared) await assertNobodyWrites(files);
  const held = opened.move();
  return {
    uri: server.uri,
    // Whatever takes its name: this file.
    rawFile: rawFile && `/proc/self/fd/${rawFile.fd}`,
    warnings: options.warnings(file.block),
    bytesRead: () => bytesReadBy(server.process.pid),
    changes: (capacity) => options.changes(capacity),
    assertUnchanged: async () => {
      await assertStamps(stamps);
      if (!shared) await assertNobodyBeganToWrite(files);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const pidFileOf = ({ jobFolder, key }: ServeImageOptions): string => join(jobFolder, `source-${key}.pid`);

async function serve(
  file: DiskFile,
  layer: JudgedLayer,
  forceShare: boolean,
  options: ServeImageOptions,
): Promise<NbdServer> {
  const { key, socketFolder, warn, signal } = options;
  const plain = {
    file: file.path,
    format: file.format,
    readOnly: true,
    listen: { socket: join(socketFolder, `source-${key}.sock`) },
    exportName: 'source',
    pidFile: pidFileOf(options),
    image: plainImage(describeLayers(layer, { forceShare })),
    signal,
  };
  if (forceShare || !takesLock(file)) return serveNbd(plain);
  const image = { ...plainImage(lockedRaw(file.path)), format: ['--image-opts'] };
  try {
    return await serveNbd({ ...plain, image });
  } catch (error) {
    if (!lacksLockedRaw(toSendenseError(error).message)) throw error;
    warn(
      `disk ${key}: this qemu-nbd has no driver blkdebug, without which a VM that starts now can write to ${file.path}`,
    );
    return serveNbd(plain);
  }
}

const plainImage = (name: string): ImageTarget => ({ objects: [], format: [], name, secret: undefined });
