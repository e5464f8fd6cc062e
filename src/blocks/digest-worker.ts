import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toSendenseError } from '../errors/sendense-error.ts';
import { backgroundPriority } from '../host/background.ts';
import type { connectNbdTarget, NbdTarget } from '../host/nbd-target.ts';
import { createDigestLanes } from './digest-lanes.ts';
import type { DigestDone, WorkerAnswer, WorkerStart, WorkerTask } from './digest-messages.ts';
import { openRawFile, openReadAtOnce, type ByteSource } from './raw-file.ts';
import { sameBytes } from './same-bytes.ts';

/** A worker thread of `digest-pool.ts`. What it holds open is closed when the pool ends it. */
if (parentPort === null) throw new Error('This is a worker thread of digest-pool.ts');
const port = parentPort;

const flushed: DigestDone = { digests: new Uint8Array(), bytesWritten: 0 };

const say = (answer: WorkerAnswer, moved: readonly ArrayBuffer[] = []): void => port.postMessage(answer, moved);

async function start(): Promise<void> {
  const { uri, file, to, link, requestBytes, background } = workerData as WorkerStart;
  // Of this thread alone: Linux has a priority for each (sched(7), "the nice value").
  if (background) setPriority(backgroundPriority);
  const [source, target] = await Promise.all([
    sourceOf(uri, file),
    to === undefined ? null : targetOf(to, { ...link, onLink: (event) => say({ link: event }) }),
  ]);
  const lanes = createDigestLanes(source, { target, requestBytes, open: openReadAtOnce });
  port.on('message', (task: WorkerTask) => {
    const { id } = task;
    if ('flush' in task) {
      void (target?.flush() ?? Promise.resolve()).then(() => say({ id, done: flushed }), report);
      return;
    }
    if ('same' in task) {
      sameBytes(task.same, openReadAtOnce).then((equal) => say({ id, equal }), report);
      return;
    }
    // Nobody waits for the progress of what is read in no time.
    const onProgress = target === null ? undefined : (progress: number): void => say({ id, progress });
    lanes.digest(task.work, onProgress).then((done) => say({ id, done }, [done.digests.buffer]), report);
  });
}

/** Where there is only a file to be read, what lies behind sockets need not be loaded. */
async function sourceOf(uri: string | undefined, file: string | undefined): Promise<ByteSource | null> {
  if (file !== undefined) return openRawFile(file);
  return uri === undefined ? null : (await import('../host/nbd-client.ts')).connectNbd(uri);
}

async function targetOf(...to: Parameters<typeof connectNbdTarget>): Promise<NbdTarget> {
  return (await import('../host/nbd-target.ts')).connectNbdTarget(...to);
}

function report(thrown: unknown): void {
  const { code, message } = toSendenseError(thrown);
  say({ error: { code, message } });
}

start().catch(report);
