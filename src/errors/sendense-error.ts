import { catalogue, type CatalogueEntry, type ErrorCode, type ExitCode } from './catalogue.ts';
import { isNoSpace } from './no-space.ts';

/** Where in a plan or settings file something stands; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  /** What the reader can do, where the catalogue's sentence is not precise enough. */
  readonly remedy?: string;
  readonly position?: Position;
  /** Facts for machines: never secrets. */
  readonly details?: Record<string, unknown>;
}

/** The one error class. The message names the thing, the value and what is wrong with it. */
export class SendenseError extends Error {
  override readonly name = 'SendenseError';
  readonly code: ErrorCode;
  readonly remedy: string;
  position: Position | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? catalogue[code].remedy;
    this.position = options.position;
    this.details = options.details;
  }

  get entry(): CatalogueEntry {
    return catalogue[this.code];
  }
}

/** Any thrown value as a SendenseError; what is not ours is an internal error with its cause kept. */
export function toSendenseError(value: unknown): SendenseError {
  if (value instanceof SendenseError) return value;
  const code = (value as NodeJS.ErrnoException | undefined)?.code;
  const message = value instanceof Error ? value.message : String(value);
  if (isNoSpace(code)) return new SendenseError('disk.full', message, { cause: value });
  if (
    code === 'EACCES' ||
    code === 'EPERM' ||
    code === 'ENOENT' ||
    code === 'EISDIR' ||
    code === 'ENOTDIR' ||
    code === 'ELOOP' ||
    code === 'ENAMETOOLONG' ||
    code === 'EROFS'
  ) {
    return new SendenseError('file.unreadable', message, { cause: value });
  }
  if (failingDisk.includes(code ?? '')) return new SendenseError('disk.failed', message, { cause: value });
  return new SendenseError('run.internal', message, { cause: value });
}

/** What a file system says of a disk, or a server of files, that does not do its work. */
const failingDisk = ['EIO', 'EREMOTEIO', 'ENXIO', 'ENODEV', 'ESTALE', 'EUCLEAN', 'EBADMSG'];

/** A command that SIGTERM ended says so, whichever it was. */
export function exitCodeOf(value: unknown): ExitCode {
  const error = toSendenseError(value);
  return error.code === 'run.cancelled' && error.details?.['signal'] === 'SIGTERM' ? 143 : error.entry.exit;
}

/** Error as it appears in JSON (`schemas/output/error.json`). */
export function errorToJson(value: unknown): {
  code: ErrorCode;
  message: string;
  remedy: string;
  position: Position | null;
} {
  const error = toSendenseError(value);
  return { code: error.code, message: error.message, remedy: error.remedy, position: error.position ?? null };
}
