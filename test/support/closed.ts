import type { EventEmitter } from 'node:events';

/** Resolves when a connection has closed, whichever way: `once(…, 'close')` rejects where the other end resets it first. */
export const closed = (connection: EventEmitter): Promise<void> =>
  new Promise((resolve) => connection.once('close', () => resolve()));
