import { SendenseError } from '../../errors/sendense-error.ts';
import type { Answer, Ask, RequestName, Volume } from '../../files/protocol.ts';
import type { ContentOptions } from '../../files/reader/content.ts';
import type { Reader } from '../../files/reader/start-reader.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import { beginRead, noteReads, type FileRead, type ReadEnd } from '../../state/files/file-reads.ts';
import type { State } from '../../state/database/open-state.ts';
import { workload, type FileLimits, type Workload } from './file-limits.ts';
import type { FilesSession } from './files-session.ts';
import { createSelections, type Selections } from './selections.ts';
import { createTransfers, type Transfers } from './transfers.ts';

type Bytes = (bytes: Buffer) => Promise<void> | void;

type AskedRead = Pick<FileRead, 'who' | 'address' | 'action' | 'volume' | 'path'>;

/** One open restore point. */
export interface OpenFiles extends Workload {
  /** Aborts when it is closed, or its reader is gone. */
  readonly closed: AbortSignal;
  info(): FilesOutput;
  /** Somebody is about to read: from now on it stays open as long as after a read. */
  stay(): void;
  /** By slot of the reader. */
  readonly disks: readonly { readonly number: number; readonly capacity_bytes: number }[];
  /** As a reader's `ask`; the session does not end while the reader works for it. */
  ask<N extends RequestName>(
    name: N,
    ask: Ask<N>,
    options?: { readonly signal?: AbortSignal | undefined; onBytes?: Bytes },
  ): Promise<Answer<N>>;
  /** As a reader's `read`: the content of a file. */
  read: Reader['read'];
  /** As a reader's `archive`. */
  archive: Reader['archive'];
  /** As a reader's `places`. */
  places: Reader['places'];
  /** Opens a LUKS volume; `info` has what is in it then. */
  unlock(volume: string, passphrase: string): Promise<void>;
  /** Writes down who begins to do what. @returns what writes down how it ended */
  begin(read: AskedRead): (end?: ReadEnd) => void;
  readonly selections: Selections;
  readonly transfers: Transfers;
  /** Writes down what was asked for together. */
  note(reads: readonly AskedRead[]): void;
}

export interface KeptFiles {
  readonly files: OpenFiles;
  /** Until it ends, if nobody reads. */
  remainingMs(): number;
  /** @param why nobody asked for it; what happened */
  stop(why?: string): void;
}

interface KeepOptions {
  readonly vm: string;
  readonly repository: string;
  /** Who opened it. */
  readonly who: string;
  readonly limits: FileLimits;
  end(): void;
}

/** Ends the session when no byte was read for long enough. */
export function keepOpen(
  state: State,
  session: FilesSession,
  { vm, repository, who, limits, end }: KeepOptions,
): KeptFiles {
  const opened = Date.now();
  const busy = busyClock(limits.idleMs, end);
  const closing = new AbortController();
  let volumes: readonly Volume[] = session.volumes;
  const own = { runId: session.id, repository, context: vm, backupId: session.point.backup_id };
  const files: OpenFiles = {
    ...workload(limits),
    selections: createSelections(),
    transfers: createTransfers(),
    disks: session.point.disks,
    closed: closing.signal,
    info: () => ({
      version: 1,
      id: session.id,
      vm,
      repository,
      backup_id: session.point.backup_id,
      created: session.point.created,
      opened,
      opened_by: who,
      expires: Math.round(Date.now() + busy.remainingMs()),
      remark: session.remark,
      reader: session.reader,
      volumes: volumes.map((volume) => ({ ...volume, notes: [...volume.notes] })),
    }),
    stay: busy.touch,
    async ask(name, ask, options = {}) {
      const answer = await busy.work(() => session.ask(name, ask, { ...options, ...busy.handing(options) }));
      if (name === 'open')
        volumes = volumes.map((one) => (one.id === (answer as Volume).id ? (answer as Volume) : one));
      return answer;
    },
    read: (asked, options) => busy.work(() => session.read(asked, { ...options, ...busy.handing(options) })),
    archive: (asked, options) =>
      busy.work(() => session.archive(asked, { ...options, ...busy.handing({ onBytes: options.onBytes }) })),
    places: (asked, signal) => busy.work(() => session.places(asked, signal)),
    async unlock(volume, passphrase) {
      volumes = await files.ask('unlock', { volume, passphrase });
    },
    begin: (read) => beginRead(state, { ...read, ...own }),
    note: (reads) =>
      noteReads(
        state,
        reads.map((read) => ({ ...read, ...own })),
      ),
  };
  const stop = (why?: string): void => {
    busy.stop();
    const message = `the restore point was closed${why === undefined ? '' : `: ${why}`}`;
    closing.abort(new SendenseError('files.session', message));
  };
  return { files, remainingMs: busy.remainingMs, stop };
}

interface BusyClock {
  /** Does something for which the session stays open. */
  work<T>(act: () => Promise<T>): Promise<T>;
  /** Who takes the bytes may be slow, but not for ever: meanwhile it is not the reader that works. */
  handing(options: Partial<Pick<ContentOptions, 'onBytes' | 'onHole'>>): Partial<ContentOptions>;
  touch(): void;
  remainingMs(): number;
  stop(): void;
}

const lookMs = 10_000;

/** @param end called once nothing has worked for so long */
function busyClock(idleMs: number, end: () => void): BusyClock {
  let working = 0;
  let until = performance.now() + idleMs;
  const touch = (): void => void (until = performance.now() + idleMs);
  const remainingMs = (): number => (working > 0 ? idleMs : Math.max(0, until - performance.now()));
  const timer = setInterval(
    () => {
      if (remainingMs() === 0) end();
    },
    Math.min(idleMs, lookMs),
  ).unref();
  const counted =
    (change: 1 | -1) =>
    async <T>(act: () => Promise<T> | T): Promise<T> => {
      working += change;
      touch();
      try {
        return await act();
      } finally {
        working -= change;
        touch();
      }
    };
  const work = counted(1);
  const wait = counted(-1);
  return {
    work,
    handing: ({ onBytes, onHole }) => ({
      ...(onBytes ? { onBytes: (bytes: Buffer) => wait(() => onBytes(bytes)) } : {}),
      ...(onHole ? { onHole: (length: number) => wait(() => onHole(length)) } : {}),
    }),
    touch,
    remainingMs,
    stop: () => clearInterval(timer),
  };
}
