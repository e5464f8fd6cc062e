import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../../schemas/types.ts';
import { runLogFile } from './place.ts';
import { thinProgress } from './thin-progress.ts';

/** The logs of the runs of this process: their events, one JSON line each. Whatever happens to a log, its run goes on. */
export interface RunLogs {
  event(event: RunEvent): void;
  /** Waits until the log of a run is written and closed, for some seconds at most; what went wrong with it, or null. */
  settle(runId: string): Promise<string | null>;
}

/** What may wait for a slow disk, and what one run may write; beyond that only messages of steps are left out. */
const mostQueued = 4 * 1024 * 1024;
const mostWritten = 64 * 1024 * 1024;
const settleMs = 5000;

interface Log {
  readonly file: string;
  readonly keeps: (event: RunEvent) => boolean;
  queue: string[];
  queued: number;
  written: number;
  leftOut: number;
  handle: FileHandle | null;
  work: Promise<void>;
  trouble: string | null;
}

export function createRunLogs(statePath: string): RunLogs {
  const logs = new Map<string, Log>();

  const logOf = (runId: string): Log => {
    const known = logs.get(runId);
    if (known) return known;
    const log: Log = {
      file: runLogFile(statePath, runId),
      keeps: thinProgress(),
      queue: [],
      queued: 0,
      written: 0,
      leftOut: 0,
      handle: null,
      work: Promise.resolve(),
      trouble: null,
    };
    logs.set(runId, log);
    return log;
  };

  return {
    event(event) {
      const log = logOf(event.run_id);
      if (log.trouble !== null) return;
      if (!log.keeps(event)) return;
      const line = `${JSON.stringify(event)}\n`;
      const dispensable = event.type === 'step.log' || event.type === 'step.progress';
      if (dispensable && (log.queued > mostQueued || log.written > mostWritten)) return void log.leftOut++;
      const begins = log.queue.length === 0;
      log.queue.push(line);
      log.queued += line.length;
      if (begins) log.work = log.work.then(() => write(log));
    },

    async settle(runId) {
      const log = logs.get(runId);
      if (!log) return null;
      const waited = new AbortController();
      const late = delay(settleMs, 'late' as const, { signal: waited.signal }).catch(() => undefined);
      const outcome = await Promise.race([log.work, late]);
      waited.abort();
      logs.delete(runId);
      if (outcome === 'late') return `the log of run ${runId} is still being written to ${log.file}: its disk is slow`;
      await log.handle?.close().catch(() => undefined);
      log.handle = null;
      if (log.trouble !== null) return log.trouble;
      return log.leftOut === 0
        ? null
        : `${log.leftOut} messages of run ${runId} are not in its log: there were too many`;
    },
  };
}

async function write(log: Log): Promise<void> {
  const text = log.queue.join('');
  log.queue = [];
  if (log.trouble !== null) return;
  try {
    log.handle ??= await openLog(log.file);
    await log.handle.appendFile(text);
    log.written += text.length;
  } catch (error) {
    log.trouble = `the log ${log.file} could not be written, and ends early: ${(error as Error).message}`;
  } finally {
    log.queued -= text.length;
  }
}

async function openLog(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  // A run that was cut off may have left a part of a line; its recovery goes on in the next one.
  const { size } = await handle.stat();
  if (size > 0) {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString() !== '\n') await handle.appendFile('\n');
  }
  return handle;
}
