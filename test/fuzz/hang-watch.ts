import { Worker } from 'node:worker_threads';

/** Of one case. Both are of work and not of the clock, which runs on while the machine does other things. */
const most = {
  /** ms of the processor: far beyond the bound of the harness, which code that comes back is measured by. */
  busyMs: 60_000,
  /** Seconds in which the process did nothing at all: it waits for what never comes. */
  idleSeconds: 60,
};

/**
 * Code that never comes back leaves no time limit of a test a chance to fire, so a thread of its own looks at what the process does: it
 * says which case it is and ends the process.
 */
const guard = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  const { beats, most } = workerData;
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  let said = '';
  let [last, began, before, idle] = [-1, used(), used(), 0];
  parentPort.on('message', (what) => { said = what; });
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    const cpu = used();
    if (now !== last || now % 2 === 0) [last, began, idle] = [now, cpu, 0];
    // This look itself takes less than a millisecond.
    idle = cpu - before < 5 ? idle + 1 : 0;
    before = cpu;
    const why = cpu - began > most.busyMs ? 'does not end' : idle > most.idleSeconds ? 'waits for ever' : null;
    if (why === null) return;
    writeSync(2, '\\nfuzz: ' + said + ' ' + why + ' (number ' + (now + 1) / 2 + ' since then)\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000).unref();
`;

/** Odd while a case is under way. */
let beats: Int32Array | undefined;
let worker: Worker | undefined;

export function watchCase(what: string): Disposable & { cpuMs(): number } {
  if (!beats) {
    beats = new Int32Array(new SharedArrayBuffer(4));
    worker = new Worker(guard, { eval: true, workerData: { beats, most } });
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
