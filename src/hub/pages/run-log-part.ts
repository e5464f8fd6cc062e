import { open, type FileHandle } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { HubRunLog, RunEvent } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { findRun } from '../../state/runs/runs.ts';
import { runLogFile } from '../runs/run-log/place.ts';
import { eventIn } from '../runs/run-log/read-run-log.ts';

/** Bytes of the log in one part, unless its first line alone has more. */
const partBytes = 192 * 1024;
const pieceBytes = 64 * 1024;
/** No line of a log is longer, bytes. */
const longestLine = 4 * 1024 * 1024;
/** For how long after its end a run may still write to its log, ms. */
const settlesMs = 10_000;

/** Some events of a log, from a place in it that the part before has named. @throws SendenseError `run.unknown`, `run.no-log`, `request.invalid` */
export async function readLogPart(
  state: State,
  id: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<HubRunLog> {
  const run = findRun(state, id);
  if (!run) throw new SendenseError('run.unknown', `there is no run ${id}`);
  const from = placeIn(after);
  // Asked before reading: what a run writes before it ends is then read.
  const writes = run.finished === null ? isRunning(run.owner) : Date.now() - run.finished < settlesMs;
  const file = await opened(runLogFile(state.path, id));
  if (!file && !writes) throw new SendenseError('run.no-log', `no log was kept of run ${id} (${run.status})`);
  await using handle = file;
  const part = handle ? await readPart(handle, from, limit) : { ...from, events: [], more: false };
  const finished = part.events.at(-1)?.type === 'run.finished';
  return {
    version: 1,
    run_id: id,
    first_line: from.line + 1,
    events: part.events,
    next: `${part.line}.${part.offset}`,
    more: part.more,
    ended: !part.more && (finished || !writes),
  };
}

interface Place {
  /** Events before it. */
  readonly line: number;
  /** Bytes before it. */
  readonly offset: number;
}

function placeIn(after: string | undefined): Place {
  if (after === undefined) return { line: 0, offset: 0 };
  const [, line, offset] = /^(\d{1,9})\.(\d{1,12})$/.exec(after) ?? [];
  if (line !== undefined && offset !== undefined) return { line: Number(line), offset: Number(offset) };
  throw new SendenseError('request.invalid', 'after is no `next` of a log', {
    details: { field: 'after' },
    remedy: 'Begin with the first part: leave after out.',
  });
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole lines only: what is being written now comes with the next part. A line that is no event is left out. */
async function readPart(
  handle: FileHandle,
  from: Place,
  limit: number,
): Promise<Place & { readonly events: RunEvent[]; readonly more: boolean }> {
  const events: RunEvent[] = [];
  let { offset } = from;
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const piece = Buffer.alloc(pieceBytes);
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, offset + bytes.length);
    bytes = Buffer.concat([bytes, piece.subarray(0, bytesRead)]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      const full = events.length >= limit || (events.length > 0 && offset - from.offset > partBytes);
      if (full) return { line: from.line + events.length, offset, events, more: true };
      const event = eventIn(bytes.toString('utf8', 0, end));
      if (event) events.push(event);
      offset += end + 1;
      bytes = bytes.subarray(end + 1);
    }
    if (bytesRead === 0 || bytes.length > longestLine)
      return { line: from.line + events.length, offset, events, more: false };
  }
}
