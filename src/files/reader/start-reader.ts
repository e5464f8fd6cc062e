import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { spawnBound } from '../../host/programs/spawn-bound.ts';
import { slots as usualSlots, type Answer, type Ask, type PluggedDisk, type Volume } from '../protocol.ts';
import { readArchive, type ArchiveOptions } from './archive.ts';
import { openChannel, type Channel } from './channel.ts';
import { takeChunk } from './chunks.ts';
import { findPlaces, readContent, type ContentOptions, type ContentParts, type ReadDisk } from './content.ts';
import { KnownPlaces, type FilePlaces } from './known-places.ts';
import { connectLayers, type Layers } from './layers.ts';
import { chooseKind } from './kinds/choose-kind.ts';
import type { ReaderKind } from './kinds/kind.ts';
import { connectQmp, type Qmp } from '../qmp.ts';
import { sandboxWords } from './sandbox.ts';
import type { FindStored } from './stored.ts';
import { usualBounds, watchUsage, type ReaderBounds } from './watch-usage.ts';

export interface ReaderOptions {
  /** Default: the first that works on this machine. */
  readonly kind?: ReaderKind | undefined;
  /** Private and empty; the caller removes it. */
  readonly folder: string;
  /** Default: {@link usualSlots}. */
  readonly slots?: number | undefined;
  readonly memoryMiB?: number | undefined;
  readonly scratchMiB?: number | undefined;
  readonly bounds?: ReaderBounds | undefined;
}

/** A disk to be plugged in: an NBD server at a Unix socket in the reader's folder `in`, export name empty. */
export interface ReaderDisk extends PluggedDisk {
  /** Name of the socket in `in`. */
  readonly socket: string;
  /** Where its bytes lie in files of this machine. They must not change as long as the reader lives. */
  readonly find?: FindStored | undefined;
}

/** What reads the disks of one restore point, in a sandbox. Nothing that it says can be relied on but to be shown. */
export interface Reader extends AsyncDisposable {
  readonly kind: ReaderKind;
  readonly ask: Channel['ask'];
  /**
   * The content of a regular file, as the request `read`, but large files are read past the guest, and holes stay holes.
   * @throws SendenseError as `ask`
   */
  read(asked: Ask<'read'>, options: ContentOptions): Promise<Answer<'read'>>;
  /** A tar archive, as the request `tar` asks for, put together. @throws SendenseError as `ask` */
  archive(asked: Ask<'tar'>, options: ArchiveOptions): Promise<Answer<'tar'>>;
  /** Where the content of a regular file lies; null where it has to be read with `read`. */
  places(asked: Ask<'read'>, signal?: AbortSignal): Promise<FilePlaces | null>;
  /** Once: the disks of the restore point. @returns what is on them */
  plug(disks: readonly ReaderDisk[], signal?: AbortSignal): Promise<readonly Volume[]>;
  /** Resolves with the reason when it is gone. */
  readonly gone: Promise<string>;
  readonly slots: number;
  /** Its folder, and the one in it for the sockets of the disks. */
  readonly folder: string;
  readonly sockets: string;
}

const startMs = 60_000;
const keptText = 4096;

/** Ids of users that no system gives out: beyond containers' (to 2^31 - 1 less some) and below the sign. Source: systemd, UIDS-GIDS. */
const firstUser = 1_900_000_000;
const userRange = 200_000_000;

/**
 * Starts a sandbox with what waits for disks.
 * @throws SendenseError `files.unavailable`, `files.reader`
 */
export async function startReader({
  kind = chooseKind(),
  folder,
  slots = usualSlots,
  memoryMiB = 384,
  scratchMiB = 512,
  bounds = usualBounds,
}: ReaderOptions): Promise<Reader> {
  const as = process.geteuid?.() === 0 ? firstUser + randomInt(userRange) : null;
  makeFolders(folder, kind, as);
  const parts = kind.sandbox({ slots, memoryMiB, scratchMiB, as });
  const child = spawnBound('bwrap', sandboxWords({ kind, parts, folder, as }), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-keptText)));
  const channel = openChannel({
    input: child.stdin as Writable,
    output: child.stdout as Readable,
    take: (id, chunk, bytes) => takeChunk(join(folder, 'out'), id, chunk, bytes),
    lay: (id, line) => layDown(join(folder, 'in', `ask${id}`), line, as),
    lastWords: () => lastLines(said, 1),
    onEnd: () => void child.kill('SIGKILL'),
  });
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`bwrap could not be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(endOf(code, signal, said)));
  });
  void gone.then((why) => channel.end(why));
  const watched = watchUsage(
    {
      pid: child.pid ?? 0,
      out: join(folder, 'out'),
      work: channel.work,
      onExcess: (what) => channel.end(`the reader was ended: ${what}`, 'files.excess'),
    },
    bounds,
  );
  void gone.then(() => watched[Symbol.dispose]());
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  try {
    await inTime(channel.ready, startMs);
    const out = join(folder, 'out');
    const qmp = await connectQmp(join(out, 'qmp'));
    // The kernel of the sandbox would wait for its disks for ever.
    void qmp.gone.then(() => channel.end('the reader has lost its disks: qemu-storage-daemon has ended'));
    let layers: Layers | null = null;
    const ended = new AbortController();
    const known = new KnownPlaces();
    let read: readonly ReadDisk[] = [];
    const content = (): ContentParts => ({ ask: channel.ask, disks: read, known, ended: ended.signal });
    return {
      kind,
      ask: channel.ask,
      gone,
      slots,
      folder,
      sockets: join(folder, 'in'),
      read: (asked, options) => readContent(content(), asked, options).catch(lostDisks),
      archive: (asked, options) => readArchive(content(), asked, options).catch(lostDisks),
      places: (asked, signal) => findPlaces(content(), asked, signal).catch(lostDisks),
      async plug(disks, signal) {
        await fillSlots(disks, { kind, qmp, slots });
        const sizes = disks.map(({ bytes }) => bytes);
        if (kind.tellsPlaces) {
          layers = await connectLayers({ qmp, out }, sizes);
          read = layers.all.map((layer, slot) => ({ ...layer, find: disks[slot]?.find ?? null }));
        }
        return channel.ask('plug', { disks: disks.map(({ number, bytes }) => ({ number, bytes })) }, { signal });
      },
      async [Symbol.asyncDispose]() {
        ended.abort(new SendenseError('files.reader', 'the restore point was closed'));
        await layers?.[Symbol.asyncDispose]();
        qmp[Symbol.dispose]();
        await kill();
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** The disks are served in the sandbox: who loses them has lost the reader. */
function lostDisks(error: unknown): never {
  if (!(error instanceof SendenseError) || error.code !== 'nbd.lost') throw error;
  throw new SendenseError('files.reader', `the reader has lost its disks: ${error.message}`, { cause: error });
}

/** For the guest alone to read. */
function layDown(file: string, line: string, as: number | null): () => void {
  writeFileSync(file, line, { mode: 0o600, flag: 'wx' });
  if (as !== null) chownSync(file, as, as);
  return () => rmSync(file, { force: true });
}

function makeFolders(folder: string, { scripts }: ReaderKind, as: number | null): void {
  for (const name of ['in', 'out']) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    if (as !== null) chownSync(join(folder, name), as, as);
  }
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
    chmodSync(join(folder, name), 0o755);
  }
}

function endOf(code: number | null, signal: NodeJS.Signals | null, said: string): string {
  const how = signal ? `was killed by ${signal}` : `ended with ${code}`;
  const last = lastLines(said, 3);
  return `the reader ${how}${last === '' ? '' : `: ${last}`}`;
}

const lastLines = (said: string, count: number): string =>
  said
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('; ');

async function inTime(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new SendenseError('files.reader', `the reader was not ready within ${ms} ms`)),
    ms,
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

interface PlugPlace {
  readonly kind: ReaderKind;
  readonly qmp: Qmp;
  readonly slots: number;
}

/**
 * Puts the disks into the slots, each below a throw-away overlay: the guest's kernel replays journals, and the chain's servers are
 * read-only besides.
 */
async function fillSlots(disks: readonly ReaderDisk[], { kind, qmp, slots }: PlugPlace): Promise<void> {
  if (disks.length > slots)
    throw new SendenseError('files.reader', `the reader has room for ${slots} disks, and there are ${disks.length}`);
  const filled = disks.map(async (disk, slot) => {
    await addLayer(qmp, slot, disk);
    await kind.plug(qmp, slot);
  });
  await Promise.all(filled);
}

async function addLayer(qmp: Qmp, slot: number, { socket, bytes }: ReaderDisk): Promise<void> {
  const server = { type: 'unix', path: `/in/${socket}` };
  const overlay = { 'driver': 'file', 'filename': `/tmp/overlay${slot}`, 'node-name': `file${slot}` };
  await qmp.execute('blockdev-add', { 'driver': 'nbd', 'node-name': `disk${slot}`, 'read-only': true, server });
  await qmp.execute('blockdev-add', overlay);
  await qmp.runJob('blockdev-create', { options: { driver: 'qcow2', file: `file${slot}`, size: bytes } });
  const layer = { 'driver': 'qcow2', 'node-name': `layer${slot}`, 'file': `file${slot}`, 'backing': `disk${slot}` };
  await qmp.execute('blockdev-add', layer);
}
