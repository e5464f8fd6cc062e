import { SendenseError } from '../../errors/sendense-error.ts';
import { PartsReader, PartsWriter, type ArchiveEntry, type ArchivePart } from '../archive/parts.ts';
import { paxBytes } from '../archive/pax.ts';
import { PutTogether } from '../archive/put-together.ts';
import type { Answer, Ask, Extent } from '../protocol.ts';
import type { ContentParts, ReadDisk } from './content.ts';
import { DiskPlaces } from './disk-places.ts';
import type { Place } from './places.ts';
import { openStored, type StoredFiles } from './stored-files.ts';

export interface ArchiveOptions {
  readonly signal?: AbortSignal | undefined;
  /** One piece after the other; a piece is the caller's. */
  onBytes(bytes: Buffer): Promise<void> | void;
  /**
   * The archive comes in parts (`archive/parts.ts`), for somebody who reads the files of the restore point himself. Called with how many
   * bytes of the archive are told of, before they are.
   */
  readonly inParts?: ((bytes: number) => void) | undefined;
}

/** An archive of what the guest finds. Where its content lies in files of the restore point, it goes past the guest. */
export async function readArchive(
  { ask, disks, ended }: ContentParts,
  asked: Ask<'tar'>,
  { signal, onBytes, inParts }: ArchiveOptions,
): Promise<Answer<'tar'>> {
  await using files = openStored();
  const places = new DiskPlaces(disks, ended);
  const sizes = disks.map(({ client }) => client.size);
  const sources = new Sources(disks, files);
  const output = inParts ? tellParts(sources, { onBytes, inParts, signal }) : putTogether(sources, { onBytes, signal });
  const lines = new PartsReader();
  try {
    const answer = await ask('tar', asked, {
      signal,
      async onBytes(bytes) {
        for (const part of lines.add(bytes)) {
          signal?.throwIfAborted();
          await take(part, output, (entry) => places.of(withinDisks(entry, sizes)));
        }
      },
    });
    lines.end();
    await output.end();
    return answer;
  } finally {
    await output.settle();
  }
}

async function take(
  part: ArchivePart,
  output: Output,
  placesOf: (entry: ArchiveEntry) => Promise<readonly Place[]>,
): Promise<void> {
  if (Buffer.isBuffer(part)) return await output.bytes(part);
  if ('file' in part) throw wrong('a file of its own');
  for (const entry of part) await output.entry(entry, entry.size === 0 ? [] : await placesOf(entry));
}

/** @throws SendenseError `files.reader` where an extent is not on its disk, or some of the content is nowhere */
function withinDisks({ content, size }: ArchiveEntry, sizes: readonly number[]): readonly Extent[] {
  let bytes = 0;
  for (const [, length, slot, offset] of content) {
    bytes += length;
    if (offset + length > (sizes[slot ?? -1] ?? -1)) throw wrong('an extent that is not of the disk');
  }
  if (bytes !== size) throw wrong('content that is nowhere');
  return content;
}

const wrong = (what: string): SendenseError => new SendenseError('files.reader', `the reader told of ${what}`);

/** What content is read from, by number: the disks, and then the files that it lies in. */
class Sources {
  readonly #disks: readonly ReadDisk[];
  readonly #stored: StoredFiles;
  readonly #files: string[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(disks: readonly ReadDisk[], stored: StoredFiles) {
    this.#disks = disks;
    this.#stored = stored;
  }

  /** Those of files alone. */
  numberOf(file: string): number {
    const known = this.#numbers.get(file);
    if (known !== undefined) return known;
    this.#numbers.set(file, this.#files.length);
    return this.#files.push(file) - 1;
  }

  fileAt(number: number): string {
    return this.#files[number] ?? '';
  }

  extentOf({ at, length, from }: Place): Extent {
    if (from.kind === 'guest') throw new SendenseError('files.reader', 'only the guest can read this file');
    if (from.kind === 'disk') return [at, length, from.slot, from.offset];
    return [at, length, this.#disks.length + this.numberOf(from.file), from.offset];
  }

  async read(from: number, offset: number, target: Buffer): Promise<void> {
    const disk = this.#disks[from];
    if (disk) return await disk.client.read(offset, target);
    await this.#stored.read({ file: this.fileAt(from - this.#disks.length), offset }, target);
  }
}

interface Output {
  entry(entry: ArchiveEntry, places: readonly Place[]): Promise<void>;
  bytes(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  settle(): Promise<void>;
}

function putTogether(sources: Sources, { onBytes, signal }: Pick<ArchiveOptions, 'onBytes' | 'signal'>): Output {
  const made = new PutTogether({ read: (...asked) => sources.read(...asked), onBytes, signal });
  return {
    entry: (entry, places) => made.entry({ ...entry, content: places.map((place) => sources.extentOf(place)) }),
    bytes: (bytes) => made.bytes(bytes),
    end: () => made.end(),
    settle: () => made.settle(),
  };
}

type Told = Pick<ArchiveOptions, 'onBytes' | 'signal'> & { readonly inParts: (bytes: number) => void };

/** What does not lie in files comes as bytes. */
function tellParts(sources: Sources, { onBytes, inParts, signal }: Told): Output {
  const writer = new PartsWriter({ write: async (bytes) => onBytes(Buffer.from(bytes)) });
  const made = putTogether(sources, { onBytes: (bytes) => writer.bytes(bytes), signal });
  let told = 0;
  const entryOf = async (entry: ArchiveEntry, places: readonly Place[]): Promise<void> => {
    if (places.some(({ from }) => from.kind !== 'file')) return await made.entry(entry, places);
    await made.end();
    const content: Extent[] = [];
    for (const { at, length, from } of places) {
      if (from.kind !== 'file') continue;
      const number = sources.numberOf(from.file);
      // Files that only entries in bytes lie in have numbers, too.
      for (; told <= number; told++) await writer.file(sources.fileAt(told));
      content.push([at, length, number, from.offset]);
    }
    await writer.entry({ ...entry, content });
  };
  return {
    entry: (entry, places) => {
      inParts(paxBytes(entry));
      return entryOf(entry, places);
    },
    async bytes(bytes) {
      inParts(bytes.length);
      await made.end();
      await writer.bytes(bytes);
    },
    async end() {
      await made.end();
      await writer.end();
    },
    settle: () => made.settle(),
  };
}
