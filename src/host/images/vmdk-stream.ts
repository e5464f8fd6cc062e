import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * A streamOptimized VMDK, written from start to end: each grain compressed, and the tables behind the grains that they name. qemu-img puts
 * the tables first, so that what it writes is no stream. Source: VMware, "Virtual Disk Format 5.0", stream-optimized compressed sparse extents.
 */
export interface VmdkStream {
  /** Adds a grain that a `GrainPacker` has compressed. In order of their numbers; a grain that is left out is zeros. */
  add(grain: number, packed: Buffer): Promise<void>;
  /** Ends the stream. */
  end(): Promise<void>;
}

export interface VmdkStreamFacts {
  /** Of the disk, bytes. A VMDK has whole sectors. */
  readonly capacity: number;
  /** Name of the file, for the descriptor in it. */
  readonly name: string;
  /** 8 hex digits that are another for another content. */
  readonly contentId: string;
  /** What the disk is plugged into: VMware knows these words, `lsilogic` for all that is no IDE. */
  readonly adapter: 'ide' | 'lsilogic';
}

/** What a grain holds of the disk, bytes. */
export const grainBytes = 65_536;

const sector = 512;
const grainSectors = grainBytes / sector;
const tableEntries = 512;
/** Where grains begin: sectors for header and descriptor. */
const overhead = 128;
const descriptorSectors = 20;
const atEnd = 0xffff_ffff_ffff_ffffn;
const markers = { table: 1, directory: 2, footer: 3, end: 0 } as const;

const sectorsOf = (bytes: number): number => Math.ceil(bytes / sector);

/**
 * Begins a stream.
 * @param write appends to it; what it gets is its own
 */
export async function beginVmdk(facts: VmdkStreamFacts, write: (bytes: Buffer) => Promise<void>): Promise<VmdkStream> {
  const sectors = sectorsOf(facts.capacity);
  const directory = new Uint32Array(Math.ceil(sectors / (grainSectors * tableEntries)));
  let table: { readonly number: number; readonly entries: Uint32Array } | null = null;
  /** Where the stream ends, in sectors. */
  let at = 0;

  const put = async (bytes: Buffer): Promise<void> => {
    at += bytes.length / sector;
    if (at > 0xffff_ffff)
      throw new SendenseError('target.unfit', `${facts.name} would be larger than a VMDK can be (2 TiB)`, {
        remedy: 'Restore the disk as qcow2 or raw (--to DIRECTORY).',
      });
    await write(bytes);
  };

  const endTable = async (): Promise<void> => {
    if (table === null) return;
    const bytes = littleEndian(table.entries);
    await put(marker(markers.table, bytes.length / sector));
    directory[table.number] = at;
    await put(bytes);
    table = null;
  };

  await put(headOf(facts, sectors));
  return {
    async add(grain, packed) {
      const number = Math.floor(grain / tableEntries);
      if (table !== null && table.number !== number) await endTable();
      table ??= { number, entries: new Uint32Array(tableEntries) };
      table.entries[grain % tableEntries] = at;
      await put(grainOf(grain, packed));
    },

    async end() {
      await endTable();
      const bytes = littleEndian(directory);
      await put(marker(markers.directory, bytes.length / sector));
      const where = at;
      await put(bytes);
      await put(marker(markers.footer, 1));
      await put(header(sectors, BigInt(where)));
      await put(marker(markers.end, 0));
    },
  };
}

function grainOf(grain: number, packed: Buffer): Buffer {
  const bytes = Buffer.alloc(sectorsOf(12 + packed.length) * sector);
  bytes.writeBigUInt64LE(BigInt(grain) * BigInt(grainSectors), 0);
  bytes.writeUInt32LE(packed.length, 8);
  packed.copy(bytes, 12);
  return bytes;
}

function marker(type: number, sectors: number): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes.writeBigUInt64LE(BigInt(sectors), 0);
  bytes.writeUInt32LE(type, 12);
  return bytes;
}

/** Whole sectors. */
function littleEndian(entries: Uint32Array): Buffer {
  const bytes = Buffer.alloc(sectorsOf(entries.length * 4) * sector);
  for (const [index, entry] of entries.entries()) bytes.writeUInt32LE(entry, index * 4);
  return bytes;
}

/** Flags: the check of line ends counts, grains are compressed, and there are markers. */
const flags = 0x1 | 0x1_0000 | 0x2_0000;

function header(sectors: number, directory: bigint): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes.write('KDMV', 0, 'latin1');
  bytes.writeUInt32LE(3, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeBigUInt64LE(BigInt(sectors), 12);
  bytes.writeBigUInt64LE(BigInt(grainSectors), 20);
  bytes.writeBigUInt64LE(1n, 28);
  bytes.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  bytes.writeUInt32LE(tableEntries, 44);
  bytes.writeBigUInt64LE(directory, 56);
  bytes.writeBigUInt64LE(BigInt(overhead), 64);
  bytes.write('\n \r\n', 73, 'latin1');
  // Deflate, of RFC 1951 in the frame of RFC 1950.
  bytes.writeUInt16LE(1, 77);
  return bytes;
}

/** Header, descriptor, and what is free up to the first grain. */
function headOf(facts: VmdkStreamFacts, sectors: number): Buffer {
  const head = Buffer.alloc(overhead * sector);
  header(sectors, atEnd).copy(head);
  head.write(descriptorOf(facts, sectors), sector, 'utf8');
  return head;
}

function descriptorOf({ contentId, name, adapter }: VmdkStreamFacts, sectors: number): string {
  const [heads, perTrack] = adapter === 'ide' ? [16, 63] : [255, 63];
  const cylinders = Math.min(adapter === 'ide' ? 16_383 : 65_535, Math.floor(sectors / (heads * perTrack)));
  return `# Disk DescriptorFile
version=1
CID=${contentId}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY ${sectors} SPARSE "${name}"

# The Disk Data Base
#DDB

ddb.adapterType = "${adapter}"
ddb.geometry.cylinders = "${cylinders}"
ddb.geometry.heads = "${heads}"
ddb.geometry.sectors = "${perTrack}"
ddb.virtualHWVersion = "4"
`;
}
