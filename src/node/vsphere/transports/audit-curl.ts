import { normalise, totalLength, type Extent } from '../../../blocks/extents.ts';
import { isExactPiece, readAnswer, type HttpAnswer } from './http-answer.ts';
import { nbdkitRecord } from './nbdkit-records.ts';

export interface CurlAudit {
  /** Hears each line that nbdkit says with `--verbose -D curl.verbose=1 --filter=blocksize … curl`. */
  hear(line: string): void;
  /** Why what was read is not what was asked for, as far as is known by now; null where nothing speaks against it. */
  fault(): string | null;
  /**
   * To be asked when all that nbdkit said of a number of reads was heard: why what was read may not be what was asked for.
   * Null: the server confirmed every byte that nbdkit gave out since the last verdict, no fewer than `bytesRead`.
   */
  verdict(bytesRead: number): string | null;
}

/** A piece of the file. Bytes; `end` is behind the last. */
interface Piece {
  readonly first: number;
  readonly end: number;
}

/** What one thread of nbdkit is about. It has one request under way at a time. */
interface Thread {
  /** What an NBD client asked for, and up to where the server's answers cover it. */
  read: (Piece & { covered: number }) | null;
  /** What the plugin was asked for to that end. */
  wanted: Piece | null;
  /** What curl asked the server for; null before it has, or where it was no GET of a piece. */
  asked: Piece | null;
  answer: HttpAnswer | null;
  /** What the last answer confirmed; it counts when nbdkit goes on without an error. */
  promised: Piece | null;
}

/** Extents are merged when there are so many of them, or twice as many as the last time. */
const manyExtents = 4096;

/**
 * Judges the answers that nbdkit-curl 1.32 gets by what it says of them, thread by thread. By itself it takes the body of any
 * answer but an error for what it asked for, so a server that sends the whole file in place of a piece would go unnoticed.
 * What is not confirmed word for word does not count: 206, this piece, of a file of this size, with so many bytes.
 * @param size of the file, bytes
 * @param onFault called once, as soon as an answer is wrong
 */
export function auditCurl(size: number, onFault: () => void = () => {}): CurlAudit {
  const threads = new Map<string, Thread>();
  let confirmed: Extent[] = [];
  let mostExtents = manyExtents;
  let fault: string | null = null;
  /** The thread whose request's header lines follow. */
  let asking: Thread | null = null;

  const blame = (what: string): void => {
    if (fault !== null) return;
    fault = what;
    onFault();
  };
  const settle = (thread: Thread): void => {
    const { promised, read } = thread;
    thread.promised = null;
    if (promised === null) return;
    confirmed.push({ offset: promised.first, length: promised.end - promised.first });
    if (confirmed.length > mostExtents) {
      confirmed = normalise(confirmed);
      mostExtents = Math.max(manyExtents, 2 * confirmed.length);
    }
    if (read && promised.first <= read.covered) read.covered = Math.max(read.covered, promised.end);
  };
  const endRead = (thread: Thread): void => {
    settle(thread);
    const { read } = thread;
    thread.read = null;
    if (read && read.covered < read.end)
      blame(`the server did not confirm bytes ${read.covered}-${read.end - 1}, which were read`);
  };
  const judge = (thread: Thread, answer: HttpAnswer): void => {
    const { asked, wanted } = thread;
    // After an interim answer comes another; nbdkit takes nothing from an error.
    if (answer.status < 200 || answer.status >= 400 || asked === null) return;
    const [first, last] = [asked.first, Math.min(asked.end, size) - 1];
    const wrong = isExactPiece(answer, { first, last, size });
    if (wrong !== null) return blame(`the server was asked for bytes ${first}-${last} and ${wrong}`);
    // nbdkit-curl asks for one byte more than it wants, even behind the end.
    if (wanted && asked.first === wanted.first && asked.end === wanted.end + 1) thread.promised = wanted;
  };
  const heard = (thread: Thread, text: string): void => {
    const server = /^S: ?(.*?)\s*$/.exec(text)?.[1];
    if (server !== undefined) {
      const before = thread.answer;
      thread.answer = server === '' ? null : readAnswer(before, server);
      if (server === '' && before) judge(thread, before);
      return;
    }
    const [, method] = /^C: ([A-Z]+) /.exec(text) ?? [];
    if (method !== undefined) {
      Object.assign(thread, { asked: null, answer: null, promised: null });
      asking = method === 'GET' ? thread : null;
      return;
    }
    const [, who, count, offset] = /^(blocksize|curl): pread count=([0-9]+) offset=([0-9]+)$/.exec(text) ?? [];
    if (who !== undefined) {
      const piece = { first: Number(offset), end: Number(offset) + Number(count) };
      if (who === 'blocksize') endRead(thread);
      else settle(thread);
      if (who === 'blocksize') thread.read = { ...piece, covered: piece.first };
      else thread.wanted = piece;
    }
  };
  const hearHeader = (thread: Thread, line: string): void => {
    const [, first, last] = /^Range: bytes=([0-9]+)-([0-9]+)\s*$/i.exec(line) ?? [];
    if (first !== undefined) thread.asked = { first: Number(first), end: Number(last) + 1 };
  };
  return {
    hear(line) {
      // Nearly every line is one of these: a piece of a body came.
      if (line.endsWith('>') && line.includes('debug: <data with size=')) return void (asking = null);
      const record = nbdkitRecord(line);
      if (record === null) {
        if (asking) hearHeader(asking, line);
        return;
      }
      asking = null;
      let thread = threads.get(record.speaker);
      if (!thread) threads.set(record.speaker, (thread = newThread()));
      if (!record.isError) heard(thread, record.text);
      // The body did not come as its head promised; nbdkit asks again, or fails the read.
      else if (record.text.startsWith('pread: ')) Object.assign(thread, { asked: null, answer: null, promised: null });
    },
    fault: () => fault,
    verdict(bytesRead) {
      for (const thread of threads.values()) endRead(thread);
      const bytes = totalLength(normalise(confirmed));
      confirmed = [];
      if (bytes < bytesRead) blame(`${bytesRead} bytes were read, and the server confirmed ${bytes}`);
      return fault;
    },
  };
}

const newThread = (): Thread => ({ read: null, wanted: null, asked: null, answer: null, promised: null });
