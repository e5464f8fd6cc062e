import type { Connection, ServerChannel } from 'ssh2';

/**
 * How much the other side of a channel may send until it hears more. ssh2 says 2 MiB, and says more only when half of that
 * is used: on a long line that halves the rate (shared/FIELD-NOTES.md, section 5), and a hundred channels fill the memory
 * of both ends. Here a channel begins with little and gets, in small steps, what the line needs and no more: OpenSSH's
 * client keeps as much as it may send, and copies it each time that grows (measured: 8 MiB made it four times as expensive).
 */
const widest = 8 * 1024 * 1024;
/** For all channels of a connection; about that much waits in memory here when the disks stand still. */
const budget = 32 * 1024 * 1024;
/** Enough for a line within a building, of each of a few channels; many share less than all of these need together. */
const enough = 2 * 1024 * 1024;
const few = 16;
/** What goes into one packet of OpenSSH. */
const onePacket = 32 * 1024;
/** What is under way on a line of 1 Gbit/s, and as much again in the queues on it. */
const bytesPerMs = 250_000;
const step = 256 * 1024;

/** What a channel begins with, where the hub accepts it. */
const first = 128 * 1024;
/** What ssh2 begins with. */
const usual = 2 * 1024 * 1024;

/** Bytes that can wait here if all channels of an honest node fill up, at the very most. */
export const mostWaiting = (channels: number): number => 4 * budget + channels * first;

/** The parts of ssh2 1.17 that are used and are not its public interface. */
interface Inside {
  readonly incoming: { window: number };
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly adjust: (recipient: number, amount: number) => void;
}

type Confirm = (this: unknown, remote: number, local: number, window: number, packet: number) => void;

interface Protocol {
  channelWindowAdjust?: unknown;
  channelOpenConfirm?: Confirm;
}

/** What a channel may send at most, over a line with this round trip that it shares with so many. */
export function windowOf(channels: number, rttMs: number): number {
  const shared = Math.max(1, channels);
  const nearby = Math.max(onePacket, enough / Math.max(1, shared / few) ** 2);
  return Math.min(Math.max(nearby, (rttMs * bytesPerMs) / shared), widest, budget / shared);
}

/** Accepts a channel that begins with little; answers how much that is. */
export function acceptNarrow<T>(connection: Connection, accept: () => T): { channel: T; granted: number } {
  const protocol = protocolOf(connection);
  const confirm = protocol?.channelOpenConfirm;
  if (!protocol || !confirm) return { channel: accept(), granted: usual };
  protocol.channelOpenConfirm = (remote, local, _window, packet) =>
    confirm.call(protocol, remote, local, first, packet);
  try {
    return { channel: accept(), granted: first };
  } finally {
    protocol.channelOpenConfirm = confirm;
  }
}

/**
 * Answers a function to be called whenever data was taken from the channel: `target` is what {@link windowOf} says now,
 * `waiting` how many bytes were received and not handed on yet. A channel gets no more than it has used so far, so that idle
 * ones cost nothing. Does nothing with an ssh2 that is built differently.
 * @param granted what the other side was told at the beginning
 */
export function widenWindow(
  channel: ServerChannel,
  connection: Connection,
  granted = usual,
): (target: number, waiting: number) => void {
  const inside = insideOf(channel, connection);
  if (!inside) return () => {};
  // ssh2 takes what it receives off this, and speaks up when little is left: that never is.
  const endless = Number.MAX_SAFE_INTEGER;
  inside.incoming.window = endless;
  return (target, waiting) => {
    const received = endless - inside.incoming.window;
    const window = Math.min(target, first + received);
    const amount = Math.floor(window - (granted - received) - waiting);
    if (amount < Math.min(step, window / 4) || inside.outgoing.state === 'closed') return;
    granted += amount;
    inside.adjust(inside.outgoing.id, amount);
  };
}

const protocolOf = (connection: Connection): Protocol | undefined =>
  (connection as unknown as { _protocol?: Protocol })._protocol;

function insideOf(channel: ServerChannel, connection: Connection): Inside | null {
  const { incoming, outgoing } = channel as unknown as Partial<Inside>;
  const protocol = protocolOf(connection);
  const adjust = protocol?.channelWindowAdjust;
  if (incoming?.window !== usual || typeof outgoing?.id !== 'number' || typeof outgoing.state !== 'string') return null;
  if (typeof adjust !== 'function') return null;
  return { incoming, outgoing, adjust: (recipient, amount) => void adjust.call(protocol, recipient, amount) };
}
