import type { Socket } from 'node:net';
import { judgeFirstBytes } from '../../host/ssh/data-preface.ts';

/** ms after which whoever says nothing is greeted: some clients wait for the server to speak first. */
const silentMs = 500;

/**
 * Waits for what a new connection begins with, and calls one of the three, once. Nothing is read from it meanwhile or later
 * but by whom it is given to.
 */
export function onFirstBytes(
  socket: Socket,
  ends: {
    /** SSH, or whatever: what was read stands in the socket again, which is paused. */
    readonly ssh: () => void;
    readonly preface: (ticket: string) => void;
    readonly malformed: () => void;
  },
): void {
  let bytes = Buffer.alloc(0);
  const leave = (): void => {
    clearTimeout(timer);
    socket.off('data', read).off('close', leave).pause();
  };
  const toSsh = (): void => {
    leave();
    if (bytes.length > 0) socket.unshift(bytes);
    ends.ssh();
  };
  const read = (chunk: Buffer): void => {
    clearTimeout(timer);
    bytes = Buffer.concat([bytes, chunk]);
    const judged = judgeFirstBytes(bytes);
    if (judged.kind === 'ssh') return toSsh();
    if (judged.kind === 'more') return;
    leave();
    if (judged.kind === 'preface') ends.preface(judged.ticket);
    else ends.malformed();
  };
  const timer = setTimeout(toSsh, silentMs);
  socket.on('data', read).on('close', leave);
}
