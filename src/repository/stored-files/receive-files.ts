import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { dropCache, setMtimeNs } from '../../host/files/file-cache.ts';
import { fsyncFile, fsyncFolder, publishFile } from '../../host/files/files.ts';
import { assertOwnFolder } from '../own-folder.ts';
import { sha256OfFile } from '../sha256-of-file.ts';

/** A file as it is where it comes from. */
export interface FileFacts {
  /** Relative to the repository. */
  readonly path: string;
  readonly bytes: number;
  readonly mtime_ns: string;
  readonly sha256: string;
}

/** How much of a file is there: under its own name, or under its temporary one from a copy that was cut off. */
export interface FilePresence {
  readonly state: 'none' | 'part' | 'whole';
  /** Where the sender goes on. */
  readonly offset: number;
}

/** Takes the files of a restore point, one after the other, each under a temporary name until it is proven. */
export interface FileReceiver extends AsyncDisposable {
  begin(path: string, bytes: number): Promise<FilePresence>;
  /** @throws SendenseError `link.protocol` for more than `begin` announced */
  write(chunk: Uint8Array): Promise<void>;
  /** Reads it back from the disk; false: it is not what was sent, and nothing of it is there any more. */
  finish(facts: FileFacts): Promise<boolean>;
  /** Whether the whole file that is there is this one; it gets the time, too. */
  adopt(facts: FileFacts): Promise<boolean>;
}

const partOf = (file: string): string => `${file}.sendense-part`;

export interface ReceiveOptions {
  /** Called before a file gets its name: throws where the lock of its VM was lost. */
  prove(): Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

export function receiveFiles(root: string, { prove, signal }: ReceiveOptions): FileReceiver {
  let handle: FileHandle | null = null;
  /** Bytes that the file may still get. */
  let room = 0;
  const close = async (): Promise<void> => {
    const opened = handle;
    handle = null;
    await opened?.close();
  };
  const settle = async (file: string, { mtime_ns: mtime }: FileFacts): Promise<void> => {
    const { mode, mtimeNs } = await stat(file, { bigint: true });
    // Neither can be set of an immutable file.
    if ([0o400n, 0o444n].includes(mode & 0o777n) && String(mtimeNs) === mtime) return;
    await chmod(file, 0o400);
    await setMtimeNs(file, BigInt(mtime), signal);
    await fsyncFile(file);
  };
  return {
    async begin(path, bytes) {
      await close();
      await prove();
      const file = join(root, path);
      await assertOwnFolder(root, dirname(path));
      if (await isFile(file)) return { state: 'whole', offset: bytes };
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const part = partOf(file);
      // What is longer than the whole is not the beginning of it.
      if ((await isFile(part)) && (await stat(part)).size > bytes) await rm(part);
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
      handle = await open(part, flags, 0o600);
      const { size } = await handle.stat();
      room = bytes - size;
      return { state: size > 0 ? 'part' : 'none', offset: size };
    },
    async write(chunk) {
      signal?.throwIfAborted();
      if (handle === null || chunk.length > room)
        throw new SendenseError('link.protocol', 'more bytes came than were announced');
      await handle.writeFile(chunk);
      room -= chunk.length;
    },
    async finish(facts) {
      const file = join(root, facts.path);
      const part = partOf(file);
      await handle?.sync();
      await close();
      await dropCache(part, signal);
      const { size } = await stat(part);
      if (size !== facts.bytes || (await sha256OfFile(part, signal)) !== facts.sha256) {
        await rm(part, { force: true });
        return false;
      }
      await settle(part, facts);
      await prove();
      await publishFile(part, file);
      await fsyncFolder(dirname(file));
      return true;
    },
    async adopt(facts) {
      const file = join(root, facts.path);
      const { size } = await stat(file);
      if (size !== facts.bytes || (await sha256OfFile(file, signal)) !== facts.sha256) return false;
      await settle(file, facts);
      await rm(partOf(file), { force: true });
      return true;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** @throws SendenseError `repository.conflict` where something else has the name */
async function isFile(path: string): Promise<boolean> {
  const info = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (info && !info.isFile()) throw new SendenseError('repository.conflict', `${path} is no regular file`);
  return info !== null;
}
