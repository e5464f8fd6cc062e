import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toSendenseError } from '../errors/sendense-error.ts';
import { backgroundPriority } from '../host/programs/background.ts';
import type { LinkEvent } from '../host/nbd/nbd-lasting.ts';
import type { NbdTarget } from '../host/nbd/nbd-target.ts';
import { createDigestLanes } from './digest-lanes.ts';
import type { DigestDone, WorkerAnswer, WorkerStart, WorkerTask } from './digest-messages.ts';
import { openRawFile, openReadAtOnce, type ByteSource } from './raw-file.ts';
import { sameBytes } from './same-bytes.ts';

/** A worker thread of `digest-pool.ts`. What it holds open is closed when the pool ends it. */
if (parentPort === null) throw new Error('This is a worker thread of digest-pool.ts');
const port = parentPort;

const flushed: DigestDone = { digests: new Uint8Array(), bytesWritten: 0, bytesSent: 0 };

const say = (answer: WorkerAnswer, moved: readonly ArrayBuffer[] = []): void => port.postMessage(answer, moved);

async function start(): Promise<void> {
  const { uri, file, requestBytes, background, ...target } = workerData as WorkerStart;
  // Of this thread alone: Linux has a priority for each (sched(7), "the nice value").
  if (background) setPriority(backgroundPriority);
  const [source, to] = await Promise.all([sourceOf(uri, file), targetOf(target)]);
  const lanes = createDigestLanes(source, { target: to, requestBytes, open: openReadAtOnce });
  port.on('message', (task: WorkerTask) => {
    const { id } = task;
    if ('flush' in task) {
      void (to?.flush() ?? Promise.resolve()).then(() => say({ id, done: flushed }), report);
      return;
    }
    if ('same' in task) {
      sameBytes(task.same, openReadAtOnce).then((equal) => say({ id, equal }), report);
      return;
    }
    // Nobody waits for the progress of what is read in no time.
    const onProgress = to === null ? undefined : (progress: number): void => say({ id, progress });
    lanes.digest(task.work, onProgress).then((done) => say({ id, done }, [done.digests.buffer]), report);
  });
}

/** Where there is only a file to be read, what lies behind sockets need not be loaded. */
async function sourceOf(uri: string | undefined, file: string | undefined): Promise<ByteSource | null> {
  if (file !== undefined) return openRawFile(file);
  return uri === undefined ? null : (await import('../host/nbd/nbd-client.ts')).connectNbd(uri);
}

async function targetOf({
  to,
  link = {},
  beside,
}: Pick<WorkerStart, 'to' | 'link' | 'beside'>): Promise<NbdTarget | null> {
  if (to === undefined) return null;
  const onLink = (event: LinkEvent): void => say({ link: event });
  return beside
    ? (await import('../host/nbd/nbd-spread.ts')).connectSpread(to, { link, ...beside, onLink })
    : (await import('../host/nbd/nbd-target.ts')).connectNbdTarget(to, { ...link, onLink });
}

function report(thrown: unknown): void {
  const { code, message } = toSendenseError(thrown);
  say({ error: { code, message } });
}

start().catch(report);
