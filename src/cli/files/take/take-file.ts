import { open, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { isNoSpace } from '../../../errors/no-space.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { PinnedFolder } from '../../../host/files/pinned-folder.ts';
import { runTool } from '../../../host/programs/process.ts';
import type { FilesStatOutput } from '../../../schemas/types.ts';
import type { FilePlace, FilesClient } from '../files-client.ts';
import { cutOff } from '../found.ts';
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
  const data = `${part.path}/data`;
  await using file = await open(data, 'a+', 0o600);
  let at = (await file.stat()).size;
  const etag = await readFile(`${part.path}/etag`, 'utf8').catch(() => null);
  if (etag === null || at > stat.entry.size) await file.truncate((at = 0));
  if (at === stat.entry.size && at > 0) at -= 1;
  const answer = await client.content(place, {
    signal: options.signal,
    ...(at > 0 ? { from: at, sameAs: etag ?? '' } : {}),
  });
  if (answer.statusCode === 206) options.onResume(at);
  else at = 0;
  await file.truncate(at);
  await writeFile(`${part.path}/etag`, String(answer.headers.etag ?? ''), { mode: 0o600 });
  await copy(answer, file, options);
  const { size } = await file.stat();
  if (size !== stat.entry.size) throw cutOff();
  const leftOut = await dress(part, stat, options.signal);
  return { made: join(part.path, Buffer.from('data')), leftOut };
}

async function copy(
  answer: IncomingMessage,
  file: Awaited<ReturnType<typeof open>>,
  { signal, onBytes }: Options,
): Promise<void> {
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      await file.appendFile(piece);
      onBytes(piece.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (isNoSpace(code))
      throw new SendenseError('disk.full', 'the folder has no room for all of the file', { cause: error });
    throw code === 'ECONNRESET' ? cutOff(error) : error;
  }
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
  const lines = xattrs.filter(({ name }) => isTaken(name, root)).map(({ name, value }) => `${name}=0s${value}\n`);
  if (lines.length > 0) await run('attributes', 'setfattr', ['--restore=-'], `# file: data\n${lines.join('')}`);
  await run('time', 'touch', ['--no-create', `--date=${touchTime(entry.mtime_ns)}`, 'data']);
  return failed;
}

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
