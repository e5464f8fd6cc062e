/**
 * The packets of SFTP, version 3, as far as reading takes them. Names are bytes. Source: draft-ietf-secsh-filexfer-02; for
 * `statvfs@openssh.com`, PROTOCOL of OpenSSH.
 */

/** What a client asks. */
export const asks = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  openFolder: 11,
  readFolder: 12,
  remove: 13,
  makeFolder: 14,
  removeFolder: 15,
  realPath: 16,
  stat: 17,
  rename: 18,
  readLink: 19,
  makeLink: 20,
  extended: 200,
} as const;

const answers = { version: 2, status: 101, handle: 102, data: 103, name: 104, attributes: 105, extended: 201 } as const;

/** `failure` is "not permitted" to sshfs; what it does not know is an error of input and output. */
export const statuses = { ok: 0, end: 1, noSuchFile: 2, denied: 3, unsupported: 8, inputOutput: 100 } as const;

/** Largest packet that is taken, bytes: a path has at most 4096. */
export const mostAsked = 64 * 1024;

/** What is told of a file. */
export interface SftpAttributes {
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  /** With the type of the file, as `st_mode` of stat(2). */
  readonly mode: number;
  /** Seconds since 1970; what does not fit 32 bits without a sign is the nearest that does. */
  readonly atime: number;
  readonly mtime: number;
}

export interface SftpName {
  readonly name: Buffer;
  readonly attributes: SftpAttributes | null;
}

/** Reads the fields of a packet, one after the other. @throws RangeError where it is too short */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#move(1));
  }

  number(): number {
    return this.#bytes.readUInt32BE(this.#move(4));
  }

  /** 64 bits, as a place in a file; beyond what is exact: Infinity. */
  place(): number {
    const value = this.#bytes.readBigUInt64BE(this.#move(8));
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
  }

  text(): Buffer {
    const length = this.number();
    const from = this.#move(length);
    return this.#bytes.subarray(from, from + length);
  }

  #move(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw new RangeError('a packet that is too short');
    this.#at += length;
    return from;
  }
}

const number = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const long = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(value))));
  return bytes;
};
const text = (value: Buffer): Buffer => Buffer.concat([number(value.length), value]);

function packet(type: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 1);
  return Buffer.concat([number(length), Buffer.from([type]), ...parts]);
}

/** Size, owner, permissions, times. */
const allFlags = 0x1 | 0x2 | 0x4 | 0x8;
const latest = 2 ** 32 - 1;
const seconds = (time: number): Buffer => number(Math.min(latest, Math.max(0, Math.floor(time))));

const attributesOf = ({ size, uid, gid, mode, atime, mtime }: SftpAttributes): Buffer =>
  Buffer.concat([number(allFlags), long(size), number(uid), number(gid), number(mode), seconds(atime), seconds(mtime)]);

export const versionPacket = (): Buffer =>
  packet(answers.version, number(3), text(Buffer.from('statvfs@openssh.com')), text(Buffer.from('2')));

export const statusPacket = (id: number, status: number, message = ''): Buffer =>
  packet(answers.status, number(id), number(status), text(Buffer.from(message)), text(Buffer.alloc(0)));

export const handlePacket = (id: number, handle: number): Buffer =>
  packet(answers.handle, number(id), text(number(handle)));

/** @returns -1 where it is none of ours */
export const handleOf = (bytes: Buffer): number => (bytes.length === 4 ? bytes.readUInt32BE() : -1);

export const dataPacket = (id: number, data: Buffer): Buffer => packet(answers.data, number(id), text(data));

export const attributesPacket = (id: number, attributes: SftpAttributes): Buffer =>
  packet(answers.attributes, number(id), attributesOf(attributes));

/** The second name is for people; nobody reads it here. */
export const namesPacket = (id: number, names: readonly SftpName[]): Buffer =>
  packet(
    answers.name,
    number(id),
    number(names.length),
    ...names.flatMap(({ name, attributes }) => [
      text(name),
      text(Buffer.alloc(0)),
      attributes ? attributesOf(attributes) : number(0),
    ]),
  );

const block = 4096;
const mostName = 255;

/** @param used bytes */
export function spacePacket(id: number, used: number): Buffer {
  const blocks = Math.ceil(used / block);
  const figures = [block, block, blocks, 0, 0, 0, 0, 0, 0, 1, mostName];
  return packet(answers.extended, number(id), ...figures.map(long));
}
