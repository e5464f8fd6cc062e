import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { FilesStatOutput } from '../../schemas/types.ts';
import { findVolume, type OpenedPoint } from '../choose/find-volume.ts';
import { parsePlace, pathOfText } from '../choose/place-text.ts';
import { cutOff } from '../client/cut-off.ts';
import type { FilePlace } from '../client/files-client.ts';

/** What a file has to be. */
export interface FileExpectation {
  /** `VOLUME:/PATH`; a link is followed. */
  readonly file: string;
  /** A file of this machine with the same bytes. */
  readonly sameAs?: string | undefined;
  readonly sha256?: string | undefined;
  readonly minBytes?: number | undefined;
}

export interface Checked {
  /** As it was asked for. */
  readonly file: string;
  /** Null: it is as expected. */
  readonly problem: string | null;
}

export interface CheckOptions {
  /** Against which `sameAs` counts. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Hears that bytes are read. */
  onBytes(): void;
}

/**
 * Whether a file is as it has to be.
 * @throws SendenseError `file.unreadable`, `files.reader`; what speaks against the file itself is a problem
 */
export async function checkFile(point: OpenedPoint, expectation: FileExpectation, how: CheckOptions): Promise<Checked> {
  const { file } = expectation;
  try {
    const place = await placeOf(point, file);
    const found = await point.client.stat(place, true);
    const [damage] = found.warnings;
    if (damage !== undefined) return { file, problem: `${file}: ${damage}` };
    return { file, problem: await differs(point, { place, found, ...how }, expectation) };
  } catch (error) {
    how.signal.throwIfAborted();
    if (!isAboutFile(error)) throw error;
    return { file, problem: `${file}: ${toSendenseError(error).message}` };
  }
}

const ofFile = new Set(['files.path', 'files.type', 'files.volume', 'files.locked', 'files.damaged']);
const isAboutFile = (error: unknown): boolean => error instanceof SendenseError && ofFile.has(error.code);

async function placeOf(point: OpenedPoint, text: string): Promise<FilePlace> {
  const named = parsePlace(text);
  if (!named) throw new SendenseError('usage', `${text} is no path in a volume`);
  const volume = named.volume ?? (await findVolume(point, named.path));
  return { session: point.files.id, volume, path: pathOfText(named.path) };
}

interface Found extends CheckOptions {
  readonly place: FilePlace;
  readonly found: FilesStatOutput;
}

async function differs(
  { client }: OpenedPoint,
  { place, found, folder, signal, onBytes }: Found,
  { file, sameAs, sha256, minBytes }: FileExpectation,
): Promise<string | null> {
  const { type, size } = found.entry;
  if (sameAs === undefined && sha256 === undefined && minBytes === undefined) return null;
  if (type !== 'file') return `${file} is a ${type}, not a file`;
  if (minBytes !== undefined && size < minBytes) return `${file} has ${size} bytes, fewer than ${minBytes}`;
  if (sameAs === undefined && sha256 === undefined) return null;
  const local = sameAs === undefined ? null : resolve(folder, sameAs);
  const wanted = local === null ? null : await digestOfLocal(local, signal, onBytes);
  const is = await digestOf(await client.content(place, { signal }), signal, onBytes).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutOff(error) : error;
  });
  if (sha256 !== undefined && is !== sha256) return `${file} has SHA-256 ${is}, not ${sha256}`;
  if (wanted !== null && is !== wanted) return `${file} has SHA-256 ${is}, and ${local} has ${wanted}`;
  return null;
}

async function digestOf(bytes: Readable, signal: AbortSignal, onBytes: () => void): Promise<string> {
  const hash = createHash('sha256');
  bytes.on('data', onBytes).pause();
  await pipeline(bytes, hash, { signal });
  return hash.digest('hex');
}

async function digestOfLocal(file: string, signal: AbortSignal, onBytes: () => void): Promise<string> {
  try {
    // Nobody waits for a pipe that nobody writes to.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await handle.stat()).isFile()) throw Object.assign(new Error('no file'), { code: 'no regular file' });
    return await digestOf(handle.createReadStream({ autoClose: false }), signal, onBytes);
  } catch (cause) {
    signal.throwIfAborted();
    const { code } = cause as NodeJS.ErrnoException;
    throw new SendenseError('file.unreadable', `${file}, with which a file is compared, cannot be read (${code})`, {
      cause,
    });
  }
}
