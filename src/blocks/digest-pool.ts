import { Worker } from 'node:worker_threads';
import { SendenseError } from '../errors/sendense-error.ts';
import { startFile } from '../schemas/package.ts';
import { createDigestLanes, type DigestLanes } from './digest-lanes.ts';
import type { DigestTask, WorkerAnswer, WorkerStart } from './digest-messages.ts';
import { totalLength } from './extents.ts';
import type { ByteSource } from './raw-file.ts';

/** Threads that read and hash. They start when there is work for them; disposing ends them at once. */
export interface DigestPool extends DigestLanes, AsyncDisposable {}

export interface DigestPoolOptions extends WorkerStart {
  /** For the first bytes, before it is worth while to start threads. */
  readonly source: ByteSource;
  readonly workers: number;
  /** Aborting ends the threads; what is pending rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiting extends PromiseWithResolvers<Uint8Array<ArrayBuffer>> {
  readonly task: DigestTask;
}

/** Tasks that a worker holds: the next is there when one ends, so that its connection never idles. */
const tasksPerWorker = 2;
/** What is read in this thread: less than starting a worker costs. */
const ownBytes = 32 * 1024 * 1024;

const workerFile = startFile('blocks/digest-worker');

export function createDigestPool(options: DigestPoolOptions): DigestPool {
  const { uri, file, signal } = options;
  const own = createDigestLanes(options.source);
  const queue: Waiting[] = [];
  const workers: { readonly thread: Worker; readonly tasks: Map<number, Waiting> }[] = [];
  let failure: { readonly reason: unknown } | null = null;
  let bytes = 0;
  let lastId = 0;

  const stop = async (): Promise<void> => {
    await Promise.all(workers.map(({ thread }) => thread.terminate()));
  };
  const fail = (reason: unknown): void => {
    failure ??= { reason };
    signal?.removeEventListener('abort', onAbort);
    for (const waiting of [...queue.splice(0), ...workers.flatMap(({ tasks }) => [...tasks.values()])]) {
      waiting.reject(failure.reason);
    }
    void stop();
  };
  const onAbort = (): void => fail(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });

  const addWorker = (): void => {
    const start: WorkerStart = { uri, file };
    const tasks = new Map<number, Waiting>();
    const thread = new Worker(workerFile, { workerData: start });
    thread.on('message', (answer: WorkerAnswer) => {
      if ('error' in answer) return fail(new SendenseError(answer.error.code, answer.error.message));
      tasks.get(answer.id)?.resolve(answer.digests);
      tasks.delete(answer.id);
      dispatch();
    });
    thread.on('error', fail);
    thread.on('exit', () => fail(new SendenseError('run.internal', `A digest worker for ${uri} ended early`)));
    workers.push({ thread, tasks });
  };

  const dispatch = (): void => {
    for (let waiting = queue[0]; waiting !== undefined; waiting = queue[0]) {
      const least = workers.toSorted((a, b) => a.tasks.size - b.tasks.size)[0];
      if (least === undefined || (least.tasks.size > 0 && workers.length < options.workers)) {
        addWorker();
        continue;
      }
      if (least.tasks.size >= tasksPerWorker) return;
      queue.shift();
      least.tasks.set(waiting.task.id, waiting);
      least.thread.postMessage(waiting.task);
    }
  };

  return {
    digest(extents) {
      if (failure !== null) return Promise.reject(failure.reason);
      bytes += totalLength(extents);
      if (bytes <= ownBytes) return own.digest(extents);
      const waiting = { ...Promise.withResolvers<Uint8Array<ArrayBuffer>>(), task: { id: ++lastId, extents } };
      queue.push(waiting);
      dispatch();
      return waiting.promise;
    },
    async [Symbol.asyncDispose]() {
      fail(new SendenseError('run.internal', 'The digest pool is closed'));
      await stop();
    },
  };
}
