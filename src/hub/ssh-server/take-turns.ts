import type { Socket } from 'node:net';

/** ms of one turn of the event loop that a connection may take before others are served; a burst of data takes less. */
const turnMs = 10;
/** Of the processor time of so long a time, ms, … */
const usualWindowMs = 5000;
/** … more than this part, where the process is busy for more than that part of the time, … */
const busyPart = 0.5;
const usualLoadedPart = 0.25;
/** … for less than so many bytes of real data in a second of it: a connection that carries data moves some 100 MB. */
const leastBytesPerSecond = 4 * 1024 * 1024;

/**
 * Lets a connection whose bytes are expensive to read take turns with everything else of this process: the API and the other nodes. To be
 * called when the program that reads from the socket does so already.
 * @param options.moved bytes of real data that it has carried so far
 * @param options.onFlood once: it costs a processor and carries next to nothing
 */
export function takeTurns(
  socket: Socket,
  {
    moved,
    onFlood,
    windowMs = usualWindowMs,
    loadedPart = usualLoadedPart,
  }: {
    readonly moved: () => number;
    readonly onFlood: () => void;
    readonly windowMs?: number;
    readonly loadedPart?: number;
  },
): void {
  let turn = 0;
  let began = 0;
  let paused = false;
  let spent = 0;
  let since = { at: performance.now(), cpu: cpuMs(), moved: 0 };
  let flooded = false;
  const goOn = (): void => {
    paused = false;
    turn = 0;
    if (!socket.destroyed) socket.resume();
  };
  const judge = (now: number): void => {
    const ms = now - since.at;
    const used = cpuMs() - since.cpu;
    const rate = (moved() - since.moved) / (ms / 1000);
    if (!flooded && used > loadedPart * ms && spent > busyPart * used && rate < leastBytesPerSecond) {
      flooded = true;
      onFlood();
    }
    spent = 0;
    since = { at: now, cpu: cpuMs(), moved: moved() };
  };
  let ending: NodeJS.Immediate | null = null;
  socket.prependListener('data', () => (began = cpuMs()));
  socket.on('data', () => {
    const took = cpuMs() - began;
    spent += took;
    turn += took;
    const now = performance.now();
    if (now - since.at >= windowMs) judge(now);
    if (turn > turnMs && !paused) {
      paused = true;
      socket.pause();
      setImmediate(goOn);
    } else
      ending ??= setImmediate(() => {
        ending = null;
        if (!paused) turn = 0;
      });
  });
}

/** Of this thread: one that had to wait for a processor has spent nothing. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
