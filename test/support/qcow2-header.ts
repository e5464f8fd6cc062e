export interface HeaderFacts {
  readonly backing?: string | null;
  /** Null: the header names none. */
  readonly backingFormat?: string | null;
  readonly incompatible?: bigint;
  readonly crypt?: number;
  readonly virtualSize?: number;
}

/** The header of a qcow2 of version 3 as QEMU writes it, byte by byte; what comes after it is not there. */
export function qcow2Header(facts: HeaderFacts = {}): Buffer {
  const { backing = null, backingFormat = backing === null ? null : 'qcow2' } = facts;
  const header = Buffer.alloc(104);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(facts.virtualSize ?? 1024 * 1024), 24);
  header.writeUInt32BE(facts.crypt ?? 0, 32);
  header.writeBigUInt64BE(facts.incompatible ?? 0n, 72);
  header.writeUInt32BE(104, 100);
  const name = Buffer.from(backing ?? '');
  const parts = [header, ...(backingFormat === null ? [] : [extension(0xe2792aca, backingFormat)]), Buffer.alloc(8)];
  const before = Buffer.concat(parts);
  if (backing !== null) {
    before.writeBigUInt64BE(BigInt(before.length), 8);
    before.writeUInt32BE(name.length, 16);
  }
  return Buffer.concat([before, name]);
}

function extension(type: number, text: string): Buffer {
  const buffer = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8);
  buffer.writeUInt32BE(type, 0);
  buffer.writeUInt32BE(text.length, 4);
  buffer.write(text, 8, 'latin1');
  return buffer;
}
