import { chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import type { Volume } from '../../src/files/protocol.ts';
import { chooseKind } from '../../src/files/reader/kinds/choose-kind.ts';
import { startReader, type Reader } from '../../src/files/reader/start-reader.ts';
import type { FindStored } from '../../src/files/reader/stored.ts';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';

/** Whether this machine has what a reader is made of. */
export const canRead = ['linux.uml', 'bwrap', 'qemu-storage-daemon'].every(
  (name) => execaSync('which', [name], { reject: false }).exitCode === 0,
);

export interface OpenImage extends AsyncDisposable {
  readonly reader: Reader;
  readonly volumes: readonly Volume[];
  /** Whether content is read from the images' files where they have it; else it comes from the disks' servers. */
  fromFiles: boolean;
}

type NumberedImage = readonly [number: number, file: string];

export interface WaitingReader extends AsyncDisposable {
  readonly reader: Reader;
  /** Makes these images, which are raw, its disks; those without a number have that of their place. */
  plug(...images: readonly (string | NumberedImage)[]): Promise<readonly Volume[]>;
  /** As {@link OpenImage.fromFiles}. */
  fromFiles: boolean;
}

interface HowToRead {
  /** Default: the best that this machine has. */
  readonly kind?: string | undefined;
  readonly memoryMiB?: number | undefined;
}

/** A reader that has no disks yet. */
export async function waitingReader({ kind, memoryMiB }: HowToRead = {}): Promise<WaitingReader> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'r-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const own = join(folder, 'r');
  await mkdir(own, { mode: 0o711 });
  const reader = stack.use(await startReader({ kind: chooseKind(kind), folder: own, memoryMiB }));
  const { uid, gid } = await stat(reader.sockets);
  const made = stack.move();
  const waiting: WaitingReader = {
    reader,
    fromFiles: true,
    async plug(...images) {
      const disks = images.map(async (image, at) => {
        const [number, file] = typeof image === 'string' ? [at, image] : image;
        const socket = join(reader.sockets, `disk-${number}`);
        const pidFile = join(folder, `pid-${number}`);
        made.use(await serveNbd({ file, format: 'raw', readOnly: true, listen: { socket }, exportName: '', pidFile }));
        await chown(socket, uid, gid);
        const find: FindStored = async (areas) =>
          waiting.fromFiles ? areas.map((area) => ({ ...area, in: { file, offset: area.offset } })) : [];
        return { number, bytes: (await stat(file)).size, socket: `disk-${number}`, find };
      });
      // What limits the opening must not end what was opened.
      const opening = new AbortController();
      const volumes = await reader.plug(await Promise.all(disks), opening.signal);
      opening.abort();
      return volumes;
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
  return waiting;
}

/** A reader with these images, which are raw, as its disks. */
export async function openImages(...images: readonly string[]): Promise<OpenImage> {
  await using stack = new AsyncDisposableStack();
  const waiting = stack.use(await waitingReader());
  const volumes = await waiting.plug(...images);
  const made = stack.move();
  return Object.assign(waiting, { volumes, [Symbol.asyncDispose]: () => made.disposeAsync() });
}

export const bytesOf = (path: string): string => Buffer.from(path).toString('base64');
