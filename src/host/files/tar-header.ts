import { SendenseError } from '../../errors/sendense-error.ts';

export interface TarMember {
  /** At most 99 bytes. */
  readonly name: string;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly modified: number;
}

export const tarBlock = 512;

/** What follows a member so that the next begins with a block. */
export const tarPadding = (size: number): number => (tarBlock - (size % tarBlock)) % tarBlock;

/** At the end of an archive: two empty blocks. */
export const tarEnd = Buffer.alloc(2 * tarBlock);

/** The field of the name, of which the last byte is zero here. */
const nameBytes = 100;

/** More do not fit into 11 octal digits: 8 GiB. */
const mostOctal = 0o77_777_777_777;

/**
 * Header of a plain file, of nobody, that everybody may read. From 8 GiB on it is as GNU tar writes it, which VMware, VirtualBox, Go and
 * Python read; before it is that of POSIX ("ustar Interchange Format").
 */
export function tarHeader({ name, size, modified }: TarMember): Buffer {
  const isLarge = size > mostOctal;
  const bytes = Buffer.alloc(tarBlock);
  if (Buffer.byteLength(name) >= nameBytes)
    throw new SendenseError('run.internal', `${name} is too long for an archive`);
  bytes.write(name, 0, 'utf8');
  for (const [value, at, digits] of [
    [0o644, 100, 7],
    [0, 108, 7],
    [0, 116, 7],
    [Math.min(Math.max(modified, 0), mostOctal), 136, 11],
  ] as const)
    octal(bytes, value, at, digits);
  if (isLarge) {
    bytes[124] = 0x80;
    bytes.writeBigUInt64BE(BigInt(size), 128);
  } else octal(bytes, size, 124, 11);
  bytes.write('0', 156, 'latin1');
  bytes.write(isLarge ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1');
  // The sum counts its own field as spaces.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

const octal = (bytes: Buffer, value: number, at: number, digits: number): void =>
  void bytes.write(value.toString(8).padStart(digits, '0'), at, 'latin1');

/**
 * Reads what {@link tarHeader} has written.
 * @returns null at the end of the archive
 * @throws SendenseError `content.mismatch` for what it has not written
 */
export function readTarHeader(bytes: Buffer): Pick<TarMember, 'name' | 'size'> | null {
  if (bytes.length < tarBlock) throw notOurs();
  if (bytes.every((byte) => byte === 0)) return null;
  const name = bytes.toString('utf8', 0, Math.min(bytes.indexOf(0), nameBytes - 1));
  const size = bytes[124] === 0x80 ? Number(bytes.readBigUInt64BE(128)) : octalAt(bytes, 124, 11);
  const modified = octalAt(bytes, 136, 11);
  const wanted = Number.isSafeInteger(size) ? tarHeader({ name, size, modified }) : null;
  if (!wanted?.equals(bytes.subarray(0, tarBlock))) throw notOurs();
  return { name, size };
}

const octalAt = (bytes: Buffer, at: number, digits: number): number =>
  Number.parseInt(bytes.toString('latin1', at, at + digits), 8);

const notOurs = (): SendenseError => new SendenseError('content.mismatch', 'the archive is damaged');
