import { hash, randomUUID } from 'node:crypto';
import { access, constants, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular } from '../host/files/regular-file.ts';
import { isNoSpace } from '../errors/no-space.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { fsyncFolder, publishFile, writeNewFile } from '../host/files/files.ts';
import { makeFolders } from '../host/files/make-folders.ts';
import { markerName } from './layout.ts';
import { assertOwnRepository } from './own-folder.ts';
import { parseJson } from '../schemas/parse-json.ts';

/** A directory with restore points. `id` tells it from another one mounted in its place. */
export interface Repository {
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  readonly id: string;
}

const format = 'sendense-repository/1';
/** Of a marker. */
const mostBytes = 64 * 1024;

/** The repository at `path`, or null where there is none yet (a missing or empty directory). Changes nothing. */
export async function findRepository(name: string, path: string): Promise<Repository | null> {
  const marker = join(path, markerName);
  let text: string;
  try {
    text = (await readRegular(marker, mostBytes)).toString('utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return refuseForeign(name, path);
    if (code === 'EFBIG') throw noMarker(name, marker);
    throw new SendenseError('repository.unusable', `repository ${name}: ${marker} cannot be read (${code})`, {
      cause: error,
    });
  }
  const id = idIn(text);
  if (!id) throw noMarker(name, marker);
  return { name, path, id };
}

const noMarker = (name: string, marker: string): SendenseError =>
  new SendenseError('repository.unusable', `repository ${name}: ${marker} is not a marker of ${format}`, {
    remedy:
      'It is damaged: `sendense-run repo repair NAME` makes it again, and `--repository PATH` restores without it.',
  });

function idIn(text: string): string | null {
  try {
    const marker = parseJson(text) as { format?: unknown; id?: unknown };
    return marker.format === format && typeof marker.id === 'string' ? marker.id : null;
  } catch {
    return null;
  }
}

function markerText(id: string, created: string): string {
  const checksum = `sha256:${hash('sha256', JSON.stringify([format, id, created]), 'hex')}`;
  return `${JSON.stringify({ format, id, created, checksum }, null, 2)}\n`;
}

/** Why the marker of a repository is not as it was written; null: it is, or was made by a version that gave it no checksum. */
export async function markerFault(path: string): Promise<string | null> {
  const text = await readRegular(join(path, markerName), mostBytes).catch((error: Error) => error);
  if (text instanceof Error) return `cannot be read: ${text.message}`;
  try {
    const { id, created, checksum, ...rest } = parseJson(text.toString('utf8')) as Record<string, unknown>;
    const old = `${JSON.stringify({ format, id, created }, null, 2)}\n`;
    const written = checksum === undefined ? old : markerText(String(id), String(created));
    if (rest['format'] === format && text.equals(Buffer.from(written))) return null;
  } catch {
    // Said below.
  }
  return 'is not as it was written';
}

async function refuseForeign(name: string, path: string): Promise<Repository | null> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SendenseError(
      'repository.unusable',
      `repository ${name}: ${path} cannot be listed (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
  // Another run made it between the two looks.
  if (names.includes(markerName)) return findRepository(name, path);
  const foreign = names.filter((entry) => entry !== 'lost+found' && !entry.endsWith('.sendense-part'));
  if (foreign.length === 0) return null;
  throw new SendenseError(
    'repository.unusable',
    `repository ${name}: ${path} is not empty and has no ${markerName} (it holds ${foreign.slice(0, 3).join(', ')})`,
    {
      remedy:
        'Name an empty directory, or the repository itself. If it is the repository and only that file is lost, `sendense-run repo repair NAME` makes it again. `--repository PATH` restores without it.',
    },
  );
}

/**
 * Opens the repository; makes it where there is none yet.
 * @param known true where the state database knows restore points of it: then a missing one is an error, not a new one
 * @param group number of a group that may write to it
 * @throws SendenseError `repository.unusable`
 */
export async function openRepository(name: string, path: string, known: boolean, group?: number): Promise<Repository> {
  const found = await findRepository(name, path);
  if (found) {
    await assertWritable(found);
    assertOwnRepository(path, group);
    return found;
  }
  if (known) {
    throw new SendenseError(
      'repository.unusable',
      `repository ${name}: ${path} holds nothing, but restore points of it are known`,
      {
        remedy: 'Mount it, or correct its path in sendense.yaml.',
      },
    );
  }
  assertOwnRepository(path, group);
  try {
    makeFolders(path);
    // Somebody else may have made it a moment ago.
    assertOwnRepository(path, group);
    await makeMarker(path);
  } catch (error) {
    if (error instanceof SendenseError || isNoSpace((error as NodeJS.ErrnoException).code)) throw error;
    throw new SendenseError(
      'repository.unusable',
      `repository ${name}: ${path} cannot be made: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const made = await findRepository(name, path);
  if (!made) throw new SendenseError('repository.unusable', `repository ${name}: ${path} vanished`);
  return made;
}

/** Where two runs make the repository at once, the first one's marker stays. */
export async function makeMarker(path: string, id: string = randomUUID()): Promise<void> {
  const temporary = join(path, `.${randomUUID()}.sendense-part`);
  try {
    await writeNewFile(temporary, markerText(id, new Date().toISOString()));
    await publishFile(temporary, join(path, markerName));
  } catch (error) {
    if (!(error instanceof SendenseError && error.code === 'file.exists')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await fsyncFolder(path);
}

async function assertWritable(repository: Repository): Promise<void> {
  try {
    await access(repository.path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SendenseError(
      'repository.unusable',
      `repository ${repository.name}: ${repository.path} is not writable`,
      { cause: error },
    );
  }
}
