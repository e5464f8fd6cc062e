import { Worker } from 'node:worker_threads';
import { SendenseError } from '../errors/sendense-error.ts';
import type { LinkEvent } from '../host/nbd/nbd-lasting.ts';
import { waysTo } from '../host/nbd/nbd-protocol.ts';
import type { NbdTarget } from '../host/nbd/nbd-target.ts';
import { startFile } from '../schemas/package.ts';
import { createDigestLanes, type DigestLanes } from './digest-lanes.ts';
import type { DigestDone, WorkerAnswer, WorkerStart, WorkerTask } from './digest-messages.ts';
import { totalLength } from './extents.ts';
import { openRawFile, type ByteSource } from './raw-file.ts';
import { sameBytes, type SameWork } from './same-bytes.ts';

/** Threads that read, hash and write. They start when there is work for them; disposing ends them at once. */
export interface DigestPool extends DigestLanes, AsyncDisposable {
  /** All that was written, over every connection, is on stable storage. Once all work is done. */
  flush(): Promise<void>;
  /** Whether all these pieces of two files are the same, byte for byte. */
  same(work: SameWork): Promise<boolean>;
  /** So much work will come: where it is worth while, the threads start now. */
  expect(bytes: number): void;
}

export interface DigestPoolOptions extends Omit<WorkerStart, 'to'> {
  /** For the first bytes, before it is worth while to start threads. Null: all work names its file. */
  readonly source: ByteSource | null;
  /** What is written goes here, or to further connections to the same export. */
  readonly target?: NbdTarget | undefined;
  /** Told of the threads' connections to the target. */
  readonly onLink?: ((event: LinkEvent) => void) | undefined;
  /** 0: this thread does it all over `source` and `target`, for servers that bear one connection. */
  readonly workers: number;
  /** Bytes that this thread reads before it is worth while to start threads. */
  readonly ownBytes?: number | undefined;
  /** Aborting ends the threads; what is pending rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly task: WorkerTask;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  resolve(answer: WorkerAnswer): void;
  reject(reason: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting>;
}

/** Tasks that a worker holds: the next is there when one ends, so that its connection never idles. */
const tasksPerWorker = 2;
/** What is read in this thread, if nobody says otherwise: less than starting a worker costs. */
const usualOwnBytes = 32 * 1024 * 1024;
/** Of a thread. What V8 takes by itself for garbage of a moment is no gain: 6 MB of each. */
const resourceLimits = { maxYoungGenerationSizeMb: 3 };

const workerFile = startFile('blocks/digest-worker');

export function createDigestPool(options: DigestPoolOptions): DigestPool {
  const { uri, file, target, link, requestBytes, background, ownBytes = usualOwnBytes, signal } = options;
  const own = createDigestLanes(options.source, { target, requestBytes });
  const queue: Waiting[] = [];
  const threads: Thread[] = [];
  let failure: { readonly reason: unknown } | null = null;
  let bytes = 0;
  let lastId = 0;

  const stop = async (): Promise<void> => {
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  };
  const fail = (reason: unknown): void => {
    failure ??= { reason };
    signal?.removeEventListener('abort', onAbort);
    for (const waiting of [...queue.splice(0), ...threads.flatMap(({ tasks }) => [...tasks.values()])]) {
      waiting.reject(failure.reason);
    }
    void stop();
  };
  const onAbort = (): void => fail(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });

  /** With which addresses of the target a thread begins: all threads together with all of them. */
  const besideOf = (thread: number): WorkerStart['beside'] => {
    const ways = waysTo(target?.facts ?? null, link?.addresses);
    if (!target || ways === 1) return undefined;
    const nths = Array.from({ length: Math.max(1, Math.ceil((ways - thread) / options.workers)) });
    return { server: target.facts, nths: nths.map((_, index) => thread + index * options.workers) };
  };

  const addThread = (): void => {
    const start: WorkerStart = {
      uri,
      file,
      to: target?.uri,
      link,
      beside: besideOf(threads.length),
      requestBytes,
      background,
    };
    const tasks = new Map<number, Waiting>();
    const worker = new Worker(workerFile, { workerData: start, resourceLimits });
    worker.on('message', (answer: WorkerAnswer) => {
      if ('error' in answer) return fail(new SendenseError(answer.error.code, answer.error.message));
      if ('link' in answer) return options.onLink?.(answer.link);
      if ('progress' in answer) return tasks.get(answer.id)?.onProgress?.(answer.progress);
      tasks.get(answer.id)?.resolve(answer);
      tasks.delete(answer.id);
      dispatch();
    });
    worker.on('error', fail);
    worker.on('exit', () =>
      fail(new SendenseError('run.internal', `A digest worker ${uri === undefined ? '' : `for ${uri} `}ended early`)),
    );
    threads.push({ worker, tasks });
  };

  const give = ({ worker, tasks }: Thread, waiting: Waiting): void => {
    tasks.set(waiting.task.id, waiting);
    worker.postMessage(waiting.task);
  };
  const dispatch = (): void => {
    for (let waiting = queue[0]; waiting !== undefined; waiting = queue[0]) {
      const least = threads.toSorted((a, b) => a.tasks.size - b.tasks.size)[0];
      if (least === undefined || (least.tasks.size > 0 && threads.length < options.workers)) {
        addThread();
        continue;
      }
      if (least.tasks.size >= tasksPerWorker) return;
      queue.shift();
      give(least, waiting);
    }
  };

  return {
    async digest(work, onProgress) {
      if (failure !== null) throw failure.reason;
      bytes += totalLength(work.extents);
      if ((bytes <= ownBytes && threads.length === 0) || options.workers === 0) return own.digest(work, onProgress);
      return new Promise<DigestDone>((resolve, reject) => {
        const task = { id: ++lastId, work };
        queue.push({ task, onProgress, resolve: (answer) => 'done' in answer && resolve(answer.done), reject });
        dispatch();
      });
    },
    async same(work) {
      if (failure !== null) throw failure.reason;
      if (threads.length === 0) return sameBytes(work, openRawFile);
      return new Promise<boolean>((resolve, reject) => {
        const task = { id: ++lastId, same: work };
        queue.push({ task, resolve: (answer) => 'equal' in answer && resolve(answer.equal), reject });
        dispatch();
      });
    },
    expect(coming) {
      if (failure !== null || bytes + coming <= ownBytes) return;
      while (threads.length < options.workers) addThread();
    },
    // Of each connection: only some servers promise that a flush covers what went over the others (NBD_FLAG_CAN_MULTI_CONN).
    async flush() {
      if (failure !== null) throw failure.reason;
      const flushes = threads.map((thread): Promise<unknown> => {
        const task = { id: ++lastId, flush: true } as const;
        return new Promise((resolve, reject) => give(thread, { task, resolve, reject }));
      });
      await Promise.all([target?.flush(), ...flushes]);
    },
    async [Symbol.asyncDispose]() {
      fail(new SendenseError('run.internal', 'The digest pool is closed'));
      await stop();
    },
  };
}
