import { Worker } from 'node:worker_threads';
import { SendenseError } from '../../errors/sendense-error.ts';
import { startFile } from '../../schemas/package.ts';
import type { HashAnswer, HashTask } from './password-thread.ts';

/** Who asks for a hash. */
export interface Turn {
  /** Logins of its address that failed lately: those with fewer come first. */
  readonly failures: number;
}

export interface HashTurns {
  /** @throws SendenseError `node.limited` for one of too many; those with the most failures go first */
  hash(task: HashTask, turn: Turn): Promise<Uint8Array>;
}

interface Waiting extends Turn {
  readonly task: HashTask;
  resolve(tag: Uint8Array): void;
  reject(reason: unknown): void;
}

/** Makes hashes somewhere else. */
export interface Hasher {
  hash(task: HashTask): Promise<Uint8Array>;
}

const mostWaiting = 64;

/**
 * Makes one hash at a time, so that the memory for one is all that logins ever take. Whoever guesses stands behind those
 * who do not.
 */
export function hashTurns(hasher: Hasher, most = mostWaiting): HashTurns {
  const waiting: Waiting[] = [];
  let busy = false;
  const work = async (): Promise<void> => {
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        next.resolve(await hasher.hash(next.task));
      } catch (error) {
        next.reject(error);
      }
    }
    busy = false;
  };
  return {
    hash: (task, { failures }) =>
      new Promise((resolve, reject) => {
        const after = waiting.findIndex((other) => other.failures > failures);
        waiting.splice(after < 0 ? waiting.length : after, 0, { task, failures, resolve, reject });
        if (waiting.length > most) waiting.pop()?.reject(tooMany());
        if (!busy) void work();
      }),
  };
}

const tooMany = (): SendenseError =>
  new SendenseError('node.limited', 'too many logins at a time; try again in 5 s', { details: { retrySeconds: 5 } });

/** The thread ends when nobody has needed it for so long, ms. */
const idleMs = 30_000;

/**
 * A thread that makes hashes. Those of Node's own threads would keep 20 to 40 MiB each for the life of the process, and stand in the
 * way of reading files.
 */
export function hashThread(): Hasher {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  const end = (): void => {
    void worker?.terminate();
    worker = undefined;
  };
  return {
    hash: (task) =>
      new Promise((resolve, reject) => {
        clearTimeout(idle);
        const thread = (worker ??= newThread());
        const settle = (settled: () => void): void => {
          thread.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
          thread.unref();
          idle = setTimeout(end, idleMs).unref();
          settled();
        };
        const onMessage = (answer: HashAnswer): void =>
          settle(() => ('tag' in answer ? resolve(answer.tag) : reject(new Error(answer.error))));
        const onEnd = (why: unknown): void => {
          if (worker === thread) worker = undefined;
          settle(() => reject(new Error(`the thread for passwords ended: ${String(why)}`)));
        };
        // A command of the terminal waits for it.
        thread.ref();
        thread.on('message', onMessage).once('error', onEnd).once('exit', onEnd);
        thread.postMessage(task);
      }),
  };
}

function newThread(): Worker {
  const thread = new Worker(startFile('hub/access/password-thread'), {
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  // Between two hashes nobody else listens.
  thread.on('error', () => {});
  return thread;
}
