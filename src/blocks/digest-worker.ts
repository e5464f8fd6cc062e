import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toSendenseError } from '../errors/sendense-error.ts';
import { backgroundPriority } from '../host/background.ts';
import { connectNbd } from '../host/nbd-client.ts';
import { connectNbdTarget } from '../host/nbd-target.ts';
import { createDigestLanes } from './digest-lanes.ts';
import type { DigestDone, WorkerAnswer, WorkerStart, WorkerTask } from './digest-messages.ts';
import { openRawFile } from './raw-file.ts';

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
    file === undefined ? connectNbd(uri) : openRawFile(file),
    to === undefined ? null : connectNbdTarget(to, { ...link, onLink: (event) => say({ link: event }) }),
  ]);
  const lanes = createDigestLanes(source, { target, requestBytes });
  port.on('message', (task: WorkerTask) => {
    const { id } = task;
    if ('flush' in task) {
      void (target?.flush() ?? Promise.resolve()).then(() => say({ id, done: flushed }), report);
      return;
    }
    // Nobody waits for the progress of what is read in no time.
    const onProgress = target === null ? undefined : (progress: number): void => say({ id, progress });
    lanes.digest(task.work, onProgress).then((done) => say({ id, done }, [done.digests.buffer]), report);
  });
}

function report(thrown: unknown): void {
  const { code, message } = toSendenseError(thrown);
  say({ error: { code, message } });
}

start().catch(report);
