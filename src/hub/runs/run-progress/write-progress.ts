import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HubRunProgress, RunEvent } from '../../../schemas/types.ts';
import { progressFile } from './place.ts';

/**
 * How far the runs of this process are, in one small file each that is replaced again and again and goes with its run. No run waits for it,
 * and none notices what goes wrong with it: nothing is flushed, and where a disk is slow there are fewer of them.
 */
export interface ProgressFiles {
  event(event: RunEvent): void;
  /** Waits until the file of a run that has ended is gone, for some seconds at most. */
  settle(runId: string): Promise<void>;
}

/** A run says ten times a second how far it is. With the look of the hub, its screens are less than two seconds behind. */
const usualMs = 700;
const settleMs = 5000;

interface Progress {
  readonly file: string;
  readonly titles: Map<string, string>;
  latest: HubRunProgress;
  timer: NodeJS.Timeout | undefined;
  /** Something was said that the file does not have. */
  due: boolean;
  ended: boolean;
  work: Promise<void> | null;
}

/** @param everyMs between two files of a run */
export function createProgressFiles(statePath: string, everyMs = usualMs): ProgressFiles {
  const runs = new Map<string, Progress>();

  const progressOf = ({ run_id: id, time }: RunEvent): Progress => {
    const known = runs.get(id);
    if (known) return known;
    const latest: HubRunProgress = { version: 1, run_id: id, step: null, title: null, time, disks: [], overall: null };
    const file = progressFile(statePath, id);
    const made: Progress = { file, titles: new Map(), latest, timer: undefined, due: false, ended: false, work: null };
    runs.set(id, made);
    return made;
  };

  const soon = (run: Progress): void => void (run.timer ??= setTimeout(() => put(run), everyMs).unref());

  /** One write at a time; what is said meanwhile is in the next one. */
  const put = (run: Progress): void => {
    run.timer = undefined;
    if (run.work !== null || run.ended || !run.due) return;
    run.due = false;
    run.work = write(run).then(() => {
      if (run.ended) return remove(run);
      run.work = null;
      if (run.due) soon(run);
      return undefined;
    });
  };

  return {
    event(event) {
      const run = progressOf(event);
      if (event.type === 'run.finished') return end(run);
      if (run.ended) return;
      const next = nextOf(run, event);
      if (next === null) return;
      run.latest = next;
      run.due = true;
      // Most runs of tests, and many others, have ended before.
      soon(run);
    },
    async settle(runId) {
      const run = runs.get(runId);
      runs.delete(runId);
      if (!run) return;
      end(run);
      const waited = new AbortController();
      const late = delay(settleMs, undefined, { signal: waited.signal, ref: false }).catch(() => undefined);
      await Promise.race([run.work, late]);
      waited.abort();
    },
  };
}

/** Null: the event says nothing of it. */
function nextOf({ titles, latest }: Progress, event: RunEvent): HubRunProgress | null {
  const { run_id: id, time } = event;
  const at = { version: 1, run_id: id, time } as const;
  switch (event.type) {
    case 'step.started':
      titles.set(event.step, event.title);
      return { ...at, step: event.step, title: event.title, disks: [], overall: null };
    case 'undo.started': {
      const title = `Cleaning up: ${titles.get(event.step) ?? event.step}`;
      return { ...at, step: event.step, title, disks: [], overall: null };
    }
    case 'step.progress': {
      const title = titles.get(event.step) ?? latest.title;
      return { ...at, step: event.step, title, disks: event.disks, overall: event.overall ?? null };
    }
    default:
      return null;
  }
}

async function write({ file, latest }: Progress): Promise<void> {
  const temporary = `${file}.part`;
  const text = JSON.stringify(latest);
  try {
    await writeFile(temporary, text, { mode: 0o600 }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(temporary, text, { mode: 0o600 });
    });
    await rename(temporary, file);
  } catch {
    // Whoever looks sees what was there before, and how old it is.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

function end(run: Progress): void {
  if (run.ended) return;
  run.ended = true;
  clearTimeout(run.timer);
  // What is being written goes when it is there.
  run.work ??= remove(run);
}

const remove = ({ file }: Progress): Promise<void> => rm(file, { force: true }).catch(() => undefined);
