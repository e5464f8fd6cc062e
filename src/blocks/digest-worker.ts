import { parentPort, workerData } from 'node:worker_threads';
import { toSendenseError } from '../errors/sendense-error.ts';
import { connectNbd } from '../host/nbd-client.ts';
import { createDigestLanes } from './digest-lanes.ts';
import type { DigestTask, WorkerAnswer, WorkerStart } from './digest-messages.ts';
import { openRawFile } from './raw-file.ts';

/** A worker thread of `digest-pool.ts`. What it holds open is closed when the pool ends it. */
if (parentPort === null) throw new Error('This is a worker thread of digest-pool.ts');
const port = parentPort;

async function start(): Promise<void> {
  const { uri, file } = workerData as WorkerStart;
  const lanes = createDigestLanes(file === undefined ? await connectNbd(uri) : await openRawFile(file));
  port.on('message', ({ id, extents }: DigestTask) => {
    const send = (digests: Uint8Array<ArrayBuffer>): void => {
      const answer: WorkerAnswer = { id, digests };
      port.postMessage(answer, [digests.buffer]);
    };
    lanes.digest(extents).then(send, report);
  });
}

function report(thrown: unknown): void {
  const { code, message } = toSendenseError(thrown);
  const answer: WorkerAnswer = { error: { code, message } };
  port.postMessage(answer);
}

start().catch(report);
