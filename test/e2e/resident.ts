import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { programs, testProgram } from '../programs.ts';
import type { ResidentAnswer, ResidentCall } from './resident-child.ts';

interface Resident {
  readonly child: ChildProcess;
  processorMs: number;
}

/** They live as long as this worker, over its test files. */
const residents = ((globalThis as { sendenseResidents?: { all: Resident[]; idle: Resident[] } }).sendenseResidents ??= {
  all: [],
  idle: [],
});

/** A test that calls many at once leaves so many of them to the next. */
const mostIdle = 2;

/** Processor time that they have used, ms. */
export const residentMs = (): number => residents.all.reduce((sum, { processorMs }) => sum + processorMs, 0);

/**
 * One call of `sendense-run` in a process that is there already. For calls whose start and end as a process are not what a test is
 * about: that costs a third of a second of processor time, several hundred times.
 */
export async function callResident(call: ResidentCall, timeoutMs: number): Promise<ResidentAnswer> {
  const resident = residents.idle.pop() ?? start();
  const { child } = resident;
  const answered = new AbortController();
  const signal = AbortSignal.any([answered.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    child.send(call);
    const [answer] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`sendense-run ${call.args.join(' ')} ended its process: ${code ?? by}`);
      }),
    ])) as [ResidentAnswer];
    resident.processorMs = answer.processorMs;
    if (residents.idle.length < mostIdle) residents.idle.push(resident);
    else child.disconnect();
    return answer;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    answered.abort();
  }
}

const quickFork = (): Record<string, string> => {
  const { sendenseQuickFork: library } = globalThis as { sendenseQuickFork?: string };
  return library === undefined ? {} : { LD_PRELOAD: library };
};

function start(): Resident {
  const child = fork(testProgram('e2e/resident-child'), [programs.run], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // It starts programs as this worker does; each call has an environment of its own, without this.
    env: { ...process.env, ...quickFork() },
    execArgv: [],
  });
  // Neither keeps this worker alive.
  child.unref();
  child.channel?.unref();
  const resident = { child, processorMs: 0 };
  residents.all.push(resident);
  return resident;
}
