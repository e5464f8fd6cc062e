import { harmless } from './text.ts';
import { makeStyle, type Style } from './style.ts';

/** What the view needs of a stream of the process. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** The two streams of a program and how text on each may look. What is written to them steers no terminal, but for {@link exactly}. */
export interface Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** For results. */
  readonly style: Style;
  /** For progress and errors. */
  readonly errorStyle: Style;
  /** Whether progress can be drawn over what stood there before. */
  readonly interactive: boolean;
}

export interface TerminalOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--no-color` */
  readonly noColour: boolean;
}

export function openTerminal({ stdout, stderr, env, noColour }: TerminalOptions): Terminal {
  const unicode = isUnicode(env);
  const styleOf = (stream: OutputStream): Style => makeStyle({ colour: !noColour && hasColour(stream, env), unicode });
  return {
    stdout: guarded(stdout),
    stderr: guarded(stderr),
    style: styleOf(stdout),
    errorStyle: styleOf(stderr),
    interactive: stderr.isTTY === true && env['TERM'] !== 'dumb',
  };
}

const behind = new WeakMap<OutputStream, OutputStream>();

/** Everything that is written for people goes through this: what came from outside cannot steer the terminal that it is read in. */
function guarded(stream: OutputStream): OutputStream {
  const guard: OutputStream = {
    write: (text) => stream.write(harmless(text)),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
    on: (event, listener) => stream.on?.(event, listener),
    off: (event, listener) => stream.off?.(event, listener),
  };
  behind.set(guard, stream);
  return guard;
}

/** The stream as it is: for what programs read, and for a view that moves the cursor and has made its text harmless. */
export const exactly = (stream: OutputStream): OutputStream => behind.get(stream) ?? stream;

/** Columns to write in: those of the terminal. A file or pipe gets whole lines, which can be searched. */
export const columnsOf = (stream: OutputStream): number =>
  stream.isTTY === true ? Math.max(20, stream.columns ?? 80) : Number.POSITIVE_INFINITY;

/** Rows that can be seen at once. */
export const rowsOf = (stream: OutputStream): number => Math.max(10, stream.rows ?? 24);

/** FORCE_COLOR (not 0), then NO_COLOR (not empty), then whether the stream is a terminal. See https://no-color.org. */
function hasColour(stream: OutputStream, env: TerminalOptions['env']): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR']) return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** The first of these variables that is set and not empty decides, as in POSIX. */
const isUnicode = (env: TerminalOptions['env']): boolean =>
  /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
