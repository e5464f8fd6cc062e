import { Worker } from 'node:worker_threads';

/** ms that a case may take while the machine does other things, too. */
const mostMs = 180_000;

/**
 * Code that never comes back leaves no time limit of a test a chance to fire, so a thread of its own looks at the clock: it says which
 * case it is and ends the process.
 */
const guard = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  const { beats, mostMs } = workerData;
  let said = '';
  let last = -1;
  let since = Date.now();
  parentPort.on('message', (what) => { said = what; });
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now !== last || now % 2 === 0) [last, since] = [now, Date.now()];
    else if (Date.now() - since > mostMs) {
      writeSync(2, '\\nfuzz: ' + said + ' does not end (number ' + (now + 1) / 2 + ' since then)\\n');
      process.kill(process.pid, 'SIGKILL');
    }
  }, 1000).unref();
`;

/** Odd while a case is under way. */
let beats: Int32Array | undefined;
let worker: Worker | undefined;

export function watchCase(what: string): Disposable & { cpuMs(): number } {
  if (!beats) {
    beats = new Int32Array(new SharedArrayBuffer(4));
    worker = new Worker(guard, { eval: true, workerData: { beats, mostMs } });
    worker.unref();
  }
  worker?.postMessage(what);
  const shared = beats;
  Atomics.add(shared, 0, 1);
  const began = process.cpuUsage();
  return {
    cpuMs: () => {
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1000;
    },
    [Symbol.dispose]: () => void Atomics.add(shared, 0, 1),
  };
}
