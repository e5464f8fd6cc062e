import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { freeBytes } from '../../host/files/files.ts';

const keepCount = 256;
const keepMs = 7 * 24 * 3600 * 1000;
/** A part can be another process's upload that goes on. */
const partMs = 24 * 3600 * 1000;
/** Never fill the disk to its last byte with something that can be sent again. */
export const reserveBytes = 4 * 1024 * 1024;

/** Block indexes that the hub sent, by SHA-256 (hex); only those used last are kept. */
export interface IndexSpool {
  /** Stores what streams in, if it is what its name says. @throws SendenseError `request.invalid`, `disk.full` */
  put(sha256: string, content: Readable, announcedBytes: number | undefined): Promise<void>;
  /** Gives a job its own link to an index, which no clearing takes away. @throws SendenseError `request.invalid` */
  linkTo(sha256: string, path: string): Promise<void>;
  /** Those that were not used for so long. Removing one takes nothing from the jobs that have a link to it. */
  unused(ms: number): Promise<{ sha256: string; bytes: number }[]>;
  remove(sha256: string): Promise<void>;
}

export async function openIndexSpool(folder: string): Promise<IndexSpool> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pathOf = (sha256: string): string => join(folder, `${sha256}.index`);
  await clear(folder);
  return {
    put: async (sha256, content, announcedBytes) => {
      if (await touch(pathOf(sha256))) return drain(content);
      const room = (await freeBytes(folder)) - reserveBytes;
      if ((announcedBytes ?? 0) > room) throw noRoom(folder, room, announcedBytes);
      const part = join(folder, `${randomUUID()}.part`);
      try {
        const found = await receive(content, part, room, folder);
        if (found !== sha256)
          throw new SendenseError('request.invalid', `the index has the SHA-256 ${found}, not ${sha256}`, {
            details: { field: 'sha256' },
          });
        await rename(part, pathOf(sha256));
      } finally {
        await rm(part, { force: true });
      }
      await clear(folder);
    },
    linkTo: async (sha256, path) => {
      try {
        await link(pathOf(sha256), path);
        await touch(pathOf(sha256));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        throw new SendenseError(
          'request.invalid',
          `the block index ${sha256} is not on this node; send it first (PUT /api/v1/indexes/${sha256})`,
          { cause },
        );
      }
    },
    unused: async (ms) => {
      const found = await Promise.all((await readdir(folder)).map((name) => unusedIndex(folder, name, ms)));
      return found.filter((index) => index !== null).toSorted((a, b) => a.sha256.localeCompare(b.sha256));
    },
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
  };
}

async function unusedIndex(
  folder: string,
  name: string,
  ms: number,
): Promise<{ sha256: string; bytes: number } | null> {
  const [, sha256] = /^([0-9a-f]{64})\.index$/.exec(name) ?? [];
  const info = await stat(join(folder, name)).catch(() => null);
  if (sha256 === undefined || info === null || Date.now() - info.mtimeMs < ms) return null;
  return { sha256, bytes: info.size };
}

async function receive(content: Readable, path: string, room: number, folder: string): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      hash.update(chunk);
      done(bytes > room ? noRoom(folder, room) : null, chunk);
    },
  });
  await pipeline(content, measure, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }));
  return hash.digest('hex');
}

/** @param room what may be written: what is free without the reserve */
function noRoom(folder: string, room: number, announced?: number): SendenseError {
  const has = `${folder}: a block index from the hub needs`;
  const free = `${mib(reserveBytes)} are to stay free, and ${mib(Math.max(0, room + reserveBytes))} are free there`;
  const needed = announced === undefined ? 'more than there is' : mib(announced);
  const missing = announced === undefined ? '' : `: ${mib(announced - room)} are missing`;
  return new SendenseError('disk.full', `${has} ${needed}, ${free}${missing}`, {
    remedy: `Make space in the file system of ${folder}.`,
  });
}

const mib = (bytes: number): string => `${(Math.ceil((bytes / 1024 ** 2) * 10) / 10).toFixed(1)} MiB`;

/** A sender that is not listened to sees a broken connection instead of the answer. */
async function drain(content: Readable): Promise<void> {
  for await (const chunk of content) void chunk;
}

async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

/** Keeps the newest {@link keepCount} of at most {@link keepMs}; also removes what was not completed for a day. */
async function clear(folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      return { path, part: name.endsWith('.part'), used: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
    }),
  );
  files.sort((a, b) => b.used - a.used);
  const old = files.filter(
    (file, place) => place >= keepCount || Date.now() - file.used > (file.part ? partMs : keepMs),
  );
  await Promise.all(old.map((file) => rm(file.path, { force: true })));
}
