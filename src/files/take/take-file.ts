import { constants } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import { runTool } from '../../host/programs/process.ts';
import type { FilesStatOutput } from '../../schemas/types.ts';
import { cutOff } from '../client/cut-off.ts';
import type { FilePlace, FilesClient } from '../client/files-client.ts';
import { copyContent } from './copy-content.ts';
import { join } from './part.ts';

interface Options {
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
  /** Told how many bytes are there already. */
  onResume(bytes: number): void;
}

/**
 * Takes the content of a plain file out into a part folder; what is there of it already is not read again where it is of the same file.
 * @throws SendenseError `disk.full`, `files.reader`
 */
export async function takeFile(
  client: FilesClient,
  place: FilePlace,
  stat: FilesStatOutput,
  part: PinnedFolder,
  options: Options,
): Promise<{ readonly made: Buffer; readonly leftOut: readonly string[] }> {
  const { signal } = options;
  await using file = await open(`${part.path}/data`, constants.O_RDWR | constants.O_CREAT, 0o600);
  const known = await client.places(place, signal);
  const held = (await file.stat()).size;
  const isSame = known.etag === (await readFile(`${part.path}/etag`, 'utf8').catch(() => null));
  const from = isSame && held <= known.size ? held : 0;
  if (from > 0) options.onResume(from);
  await file.truncate(from);
  await writeFile(`${part.path}/etag`, known.etag, { mode: 0o600 });
  await copyContent(client, place, known, { file, from, signal, onBytes: options.onBytes });
  const { size } = await file.stat();
  if (size !== stat.entry.size) throw cutOff();
  const leftOut = await dress(part, stat, options.signal);
  return { made: join(part.path, Buffer.from('data')), leftOut };
}

/** Owner, mode, attributes and time. The time last: the others change it. @returns what could not be given */
async function dress(
  part: PinnedFolder,
  { entry, xattrs, path }: FilesStatOutput,
  signal: AbortSignal,
): Promise<string[]> {
  const failed: string[] = [];
  const run = async (what: string, file: string, args: readonly string[], input?: string): Promise<void> => {
    try {
      await runTool(file, args, { cwd: part.path, signal, ...(input === undefined ? {} : { input }) });
    } catch (error) {
      signal.throwIfAborted();
      failed.push(`${path}: ${what} not set: ${error instanceof SendenseError ? error.message : String(error)}`);
    }
  };
  const root = process.geteuid?.() === 0;
  if (root) await run('owner', 'chown', [`${entry.uid}:${entry.gid}`, 'data']);
  await run('mode', 'chmod', [entry.mode, 'data']);
  const lines = xattrs
    .filter(({ name }) => isTaken(name, root))
    .map(({ name, value }) => `${attributeWord(name)}=0s${value}\n`);
  if (lines.length > 0) await run('attributes', 'setfattr', ['--restore=-'], `# file: data\n${lines.join('')}`);
  await run('time', 'touch', ['--no-create', `--date=${touchTime(entry.mtime_ns)}`, 'data']);
  return failed;
}

/** A name is any bytes: one with a line break would go on to another file. Source: unquote.c of attr, which setfattr reads them by. */
const attributeWord = (name: string): string =>
  [...Buffer.from(name)]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f && byte !== 0x3d && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, '0')}`,
    )
    .join('');

/** As `unpack` does: only root gives what is not the user's own, and nobody a label of SELinux. */
const isTaken = (name: string, root: boolean): boolean =>
  name !== 'security.selinux' && (root || name.startsWith('user.') || name.startsWith('system.posix_acl_'));

/** Seconds since 1970 with nanoseconds, also before. Source: date input formats of GNU coreutils. */
export function touchTime(ns: string): string {
  const value = BigInt(ns);
  const size = value < 0n ? -value : value;
  const second = 1_000_000_000n;
  return `@${value < 0n ? '-' : ''}${size / second}.${String(size % second).padStart(9, '0')}`;
}
