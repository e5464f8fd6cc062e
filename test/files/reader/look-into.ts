import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { Entry, Volume } from '../../../src/files/protocol.ts';
import { entriesOf } from '../../../src/files/reader/check-answer.ts';
import type { Reader } from '../../../src/files/reader/start-reader.ts';

/** What came of asking a reader for everything. */
export interface Looked {
  readonly volumes: number;
  /** Volumes that could not be opened, with the reason. */
  readonly damaged: readonly string[];
  readonly entries: number;
  readonly bytes: number;
  /** Requests that were refused, and entries that could not be read, with what was said. */
  readonly refused: readonly string[];
  /** Why the reader ended, where it did. */
  readonly gone: string | null;
  /** What nobody should be told, or nobody was told in time. */
  readonly faults: readonly string[];
}

/** What a file system can be told to be. `files.reader` is for a reader that is gone. */
const named = new Set(['files.path', 'files.type', 'files.volume', 'files.locked', 'files.damaged']);

/** A reader that says nothing is ended after a minute; the rest is for a machine that has much else to do. */
const boundMs = 240_000;
const mostEntries = 20_000;
const mostBytes = 32 * 2 ** 20;
const mostFiles = 12;

type Plug = (signal: AbortSignal) => Promise<readonly Volume[]>;

/** Asks for whatever a user can ask for: volumes, folders, files, archives; unlocks what `passphrases` are for. */
export async function lookInto(
  reader: Reader,
  plug: Plug,
  passphrases: ReadonlyMap<string, string> = new Map(),
): Promise<Looked> {
  const look = new Look(reader);
  let volumes = (await look.at('plug', plug)) ?? [];
  for (const [volume, passphrase] of passphrases)
    volumes = (await look.at(`unlock ${volume}`, () => reader.ask('unlock', { volume, passphrase }))) ?? volumes;
  for (const volume of volumes) await look.volume(volume);
  return { ...look, volumes: volumes.length };
}

class Look {
  readonly #reader: Reader;
  entries = 0;
  bytes = 0;
  damaged: string[] = [];
  refused: string[] = [];
  gone: string | null = null;
  faults: string[] = [];

  constructor(reader: Reader) {
    this.#reader = reader;
    void reader.gone.then((why) => (this.gone = why));
  }

  /** @returns null where it was refused */
  async at<T>(what: string, act: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const signal = AbortSignal.timeout(boundMs);
    try {
      return await act(signal);
    } catch (error) {
      await this.#judge(what, error);
      return null;
    }
  }

  async #judge(what: string, error: unknown): Promise<void> {
    if (error instanceof Enough) return;
    const code = error instanceof SendenseError ? error.code : (error as Error).name;
    const said = `${what}: ${code}: ${(error as Error).message}`;
    this.refused.push(said);
    // Whoever has ended it is told before it is gone.
    if (code === 'files.reader' || code === 'nbd.lost') await Promise.race([this.#reader.gone, delay(10_000)]);
    if (!named.has(code) && this.gone === null) this.faults.push(said);
  }

  async volume({ id: volume, state, why }: Volume): Promise<void> {
    if (state === 'damaged') this.damaged.push(`${volume}: ${why}`);
    if (state !== 'readable') return;
    const { ask } = this.#reader;
    const opened = await this.at(`open ${volume}`, (signal) => ask('open', { volume }, { signal }));
    if (opened?.state === 'damaged') this.damaged.push(`${volume}: ${opened.why}`);
    if (opened?.state !== 'readable') return;
    const root = { volume, path: '' };
    await this.at(`list ${volume}`, (signal) =>
      ask('list', { ...root, after: null, limit: 1000 }, { signal, onBytes: entriesOf(() => undefined) }),
    );
    const files: Entry[] = [];
    let seen = 0;
    const take = (entry: Entry): void => {
      if (++seen > mostEntries) throw new Enough();
      if (entry.type === 'file') files.push(entry);
    };
    const walked = await this.at(`walk ${volume}`, (signal) =>
      ask('walk', { ...root, filter: {} }, { signal, onBytes: entriesOf(take) }),
    );
    for (const path of walked?.unreadable ?? []) this.refused.push(`walk ${volume}: ${path}`);
    this.entries += seen;
    for (const { name } of files.slice(0, mostFiles)) await this.#file(volume, name);
    await this.#archive(volume);
  }

  async #file(volume: string, path: string): Promise<void> {
    const { ask, read } = this.#reader;
    await this.at(`stat ${volume}`, (signal) => ask('stat', { volume, path, follow: false }, { signal }));
    const count = (length: number): void => void (this.bytes += length);
    const part = { volume, path, offset: 0, length: 8 * 2 ** 20 };
    await this.at(`read ${volume}`, (signal) =>
      read(part, { signal, onBytes: (bytes) => count(bytes.length), onHole: () => undefined }),
    );
  }

  async #archive(volume: string): Promise<void> {
    let bytes = 0;
    const onBytes = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes > mostBytes) throw new Enough();
    };
    await this.at(`tar ${volume}`, (signal) => this.#reader.archive({ volume, paths: [''] }, { signal, onBytes }));
    this.bytes += bytes;
  }
}

/** The test has seen enough of it. */
class Enough extends Error {}
