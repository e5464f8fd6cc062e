import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isFull, namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { accountName } from '../../host/trust/accounts.ts';

const meanings: Record<string, string> = {
  SQLITE_NOTADB: 'is not a SQLite database',
  SQLITE_CORRUPT: 'is damaged',
  SQLITE_CANTOPEN: 'cannot be opened',
  SQLITE_PERM: 'cannot be opened',
  SQLITE_READONLY: 'cannot be written',
  SQLITE_BUSY: 'is kept locked by another process',
  SQLITE_LOCKED: 'is kept locked by another process',
  SQLITE_IOERR: 'cannot be read or written',
};

/** What SQLite or the file system said of the database at `path`, as an error of the catalogue; ours pass unchanged. */
export function stateError(path: string, error: unknown): SendenseError {
  if (error instanceof SendenseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  // Extended codes (SQLITE_IOERR_FSYNC) begin with the primary one.
  if (isNoRoom(code, dirname(path))) {
    const text = `no space for the state database ${path}: ${message}`;
    return namedFull(new SendenseError('disk.full', text, { cause: error, ...roomRemedy(dirname(path)) }), [
      { path: dirname(path), what: 'the state database' },
      temporaryPlace(),
    ]);
  }
  const primary = primaryOf(code);
  const meaning = meanings[primary];
  if (meaning || !primary.startsWith('SQLITE')) {
    return new SendenseError(
      'state.unusable',
      `the state database ${path} ${meaning ?? 'cannot be used'}: ${message}`,
      { cause: error, ...ownerRemedy(path) },
    );
  }
  // Constraints and the like: a fault of ours.
  return new SendenseError('run.internal', `state database ${path}: ${message} (${code})`, { cause: error });
}

/** {@link stateError} for a copy that is made in a file: what is full need not be where the database is. */
export function copyError(file: string, error: unknown): unknown {
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  if (!isNoRoom(code, dirname(file))) return error;
  const full = new SendenseError('disk.full', `no space for ${file}, a copy of the state database: ${message}`, {
    cause: error,
  });
  return namedFull(full, [{ path: dirname(file), what: 'the copy' }, temporaryPlace()]);
}

/** Extended codes (SQLITE_IOERR_FSYNC) begin with the primary one. */
const primaryOf = (code: string): string => code.split('_').slice(0, 2).join('_');

const isNoRoom = (code: string, folder: string): boolean =>
  primaryOf(code) === 'SQLITE_FULL' || isNoSpace(code) || (primaryOf(code) === 'SQLITE_IOERR' && hasNoSpace(folder));

/** SQLite sorts in temporary files, so that it may be them that have no space. */
const roomRemedy = (folder: string): { remedy?: string } =>
  !isFull(folder) && isFull(temporaryPlace().path)
    ? {}
    : {
        remedy: `Make space in the file system of ${folder}. To read meanwhile, no database is needed: \`sendense-run list --repository PATH\` and \`sendense-run restore VM --repository PATH --to DIRECTORY\`.`,
      };

/** SQLite calls it an input or output error where its -shm file finds no space. */
function hasNoSpace(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < shmBytes;
  } catch {
    return false;
  }
}

/** Its -shm file grows by so much (sqlite.org/walformat.html, 2). */
const shmBytes = 32 * 1024;

/** Where the database belongs to another user, that is the reason; a lost one is not. */
export function ownerRemedy(path: string): { remedy?: string } {
  try {
    const { uid } = statSync(path);
    const self = process.geteuid?.() ?? uid;
    if (uid === self || self === 0) return {};
    const owner = accountName('/etc/passwd', uid) ?? `#${uid}`;
    const us = accountName('/etc/passwd', self) ?? String(self);
    return {
      remedy: `It belongs to ${owner}, and you are ${us}. Run this as ${owner}. If it should be yours, run as root: chown -R ${us}: ${dirname(path)}`,
    };
  } catch {
    return {};
  }
}
