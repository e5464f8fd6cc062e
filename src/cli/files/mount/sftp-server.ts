import type { Readable, Writable } from 'node:stream';
import { once } from 'node:events';
import {
  asks,
  attributesPacket,
  dataPacket,
  handleOf,
  handlePacket,
  mostAsked,
  namesPacket,
  PacketReader,
  spacePacket,
  statuses,
  statusPacket,
  versionPacket,
  type SftpAttributes,
  type SftpName,
} from './sftp-packets.ts';

/** What an SFTP server shows. Paths are bytes, without a slash at the beginning; empty: the root. */
export interface SftpTree {
  stat(path: Buffer): Promise<SftpAttributes>;
  /** Pages of a folder, each with something in it. */
  list(path: Buffer): AsyncGenerator<readonly SftpName[]>;
  /** @throws where it is no regular file */
  open(path: Buffer): Promise<SftpFile>;
  /** Where a link leads. */
  link(path: Buffer): Promise<Buffer>;
  /** What a failed request is answered with. */
  statusOf(error: unknown): number;
  /** Bytes that are used. */
  readonly used: number;
}

export interface SftpFile {
  readonly attributes: SftpAttributes;
  /** Less than `length` only at the end of the file. What fails is not answered (`mountTree`), but where nobody waits any more. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): void;
}

type Handle = { readonly file: SftpFile } | { readonly pages: AsyncGenerator<readonly SftpName[]> };

/** More open files and folders are refused. */
const mostHandles = 1024;
/** Longest piece that is read at once, bytes, and how many requests are answered at a time. */
const mostRead = 256 * 1024;
const mostAtOnce = 64;

/**
 * Answers a client that reads, until it is gone: SFTP, version 3. Whatever would change something is denied.
 * @throws Error where the client does not speak SFTP
 */
export async function serveSftp(input: Readable, output: Writable, tree: SftpTree): Promise<void> {
  const handles = new Map<number, Handle>();
  const running = new Set<Promise<void>>();
  const state = { tree, handles, last: 0 };
  output.on('error', () => input.destroy());
  try {
    for await (const bytes of packetsOf(input)) {
      const work: Promise<void> = answerTo(state, bytes)
        .then((answer) => void (output.destroyed || output.write(answer)))
        .finally(() => running.delete(work));
      running.add(work);
      if (running.size >= mostAtOnce) await Promise.race(running);
      if (output.writableNeedDrain && !output.destroyed) await once(output, 'drain').catch(() => undefined);
    }
  } finally {
    // A file that is closed waits for no more of its content.
    for (const handle of handles.values()) if ('file' in handle) handle.file.close();
    await Promise.allSettled(running);
    for (const handle of handles.values()) await closeHandle(handle);
  }
}

async function* packetsOf(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of input as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= 4) {
      const length = rest.readUInt32BE();
      if (length < 1 || length > mostAsked) throw new Error(`a packet of ${length} bytes`);
      if (rest.length < 4 + length) break;
      yield rest.subarray(4, 4 + length);
      rest = rest.subarray(4 + length);
    }
  }
}

interface State {
  readonly tree: SftpTree;
  readonly handles: Map<number, Handle>;
  last: number;
}

async function answerTo(state: State, bytes: Buffer): Promise<Buffer> {
  const packet = new PacketReader(bytes);
  const type = packet.byte();
  if (type === asks.init) return versionPacket();
  const id = packet.number();
  try {
    return await act(state, type, id, packet);
  } catch (error) {
    return statusPacket(id, error instanceof RangeError ? statuses.unsupported : state.tree.statusOf(error));
  }
}

const changes: ReadonlySet<number> = new Set([
  asks.write,
  asks.setstat,
  asks.fsetstat,
  asks.remove,
  asks.makeFolder,
  asks.removeFolder,
  asks.rename,
  asks.makeLink,
]);

/** Open for reading, and nothing beside. */
const readOnly = 1;

async function act(state: State, type: number, id: number, packet: PacketReader): Promise<Buffer> {
  const { tree, handles } = state;
  if (changes.has(type)) return statusPacket(id, statuses.denied, 'a restore point is read-only');
  switch (type) {
    case asks.stat:
    case asks.lstat:
      return attributesPacket(id, await tree.stat(pathOf(packet.text())));
    case asks.realPath:
      return namesPacket(id, [{ name: Buffer.concat([Buffer.from('/'), pathOf(packet.text())]), attributes: null }]);
    case asks.readLink:
      return namesPacket(id, [{ name: await tree.link(pathOf(packet.text())), attributes: null }]);
    case asks.open: {
      const path = pathOf(packet.text());
      if (packet.number() !== readOnly) return statusPacket(id, statuses.denied, 'a restore point is read-only');
      assertRoom(handles);
      return opened(state, id, { file: await tree.open(path) });
    }
    case asks.openFolder:
      assertRoom(handles);
      return opened(state, id, { pages: tree.list(pathOf(packet.text())) });
    case asks.extended:
      return packet.text().equals(Buffer.from('statvfs@openssh.com'))
        ? spacePacket(id, tree.used)
        : statusPacket(id, statuses.unsupported);
    default:
      return await actOnHandle(state, type, id, packet);
  }
}

async function actOnHandle({ handles }: State, type: number, id: number, packet: PacketReader): Promise<Buffer> {
  const number = handleOf(packet.text());
  const handle = handles.get(number);
  if (handle === undefined) return statusPacket(id, statuses.unsupported, 'no such handle');
  if (type === asks.close) {
    handles.delete(number);
    await closeHandle(handle);
    return statusPacket(id, statuses.ok);
  }
  if ('file' in handle && type === asks.fstat) return attributesPacket(id, handle.file.attributes);
  if ('file' in handle && type === asks.read) {
    const data = await handle.file.read(packet.place(), Math.min(packet.number(), mostRead));
    return data.length === 0 ? statusPacket(id, statuses.end) : dataPacket(id, data);
  }
  if ('pages' in handle && type === asks.readFolder) {
    const { done, value } = await handle.pages.next();
    return done ? statusPacket(id, statuses.end) : namesPacket(id, value);
  }
  return statusPacket(id, statuses.unsupported);
}

function opened(state: State, id: number, handle: Handle): Buffer {
  const number = ++state.last;
  state.handles.set(number, handle);
  return handlePacket(id, number);
}

function assertRoom(handles: ReadonlyMap<number, Handle>): void {
  if (handles.size >= mostHandles) throw new Error(`${mostHandles} files are open already`);
}

async function closeHandle(handle: Handle): Promise<void> {
  if ('file' in handle) handle.file.close();
  else await handle.pages.return(undefined);
}

/** Without slashes at the ends, and without the `.` of the root. */
function pathOf(bytes: Buffer): Buffer {
  const parts = bytes
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  return Buffer.from(parts.join('/'), 'latin1');
}
