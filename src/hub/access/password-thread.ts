import { argon2Sync } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** The thread of `hash-turns.ts`: makes one hash after the other. */
if (parentPort === null) throw new Error('This is a thread of hash-turns.ts');
const port = parentPort;

/** What to hash, and how (RFC 9106). */
export interface HashTask {
  readonly message: string;
  readonly nonce: Uint8Array;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  /** Bytes. */
  readonly tagLength: number;
}

export type HashAnswer = { readonly tag: Uint8Array } | { readonly error: string };

port.on('message', (task: HashTask) => {
  let answer: HashAnswer;
  try {
    answer = { tag: argon2Sync('argon2id', task) };
  } catch (error) {
    answer = { error: (error as Error).message };
  }
  port.postMessage(answer);
});
