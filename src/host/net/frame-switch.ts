import type { Socket } from 'node:net';

/**
 * A network switch for the cards of virtual machines, as QEMU's `-netdev stream` speaks: each Ethernet frame stands behind its length, four
 * bytes, big-endian. Source: QEMU, net/stream.c.
 */
export interface FrameSwitch {
  /** Plugs a card in; it goes when its connection ends. */
  join(socket: Socket): void;
  /** How many cards there are. */
  readonly size: number;
}

/** More than any card sends, also with all offloads: QEMU's own limit. Source: QEMU, include/net/net.h, NET_BUFSIZE. */
const mostFrame = 4096 + 65_536;
const lengthBytes = 4;
/** Two addresses and a type. */
const leastFrame = 14;
/** Of a card that does not read, so much waits, bytes; then frames are lost, as on every switch. */
const mostWaiting = 4 * 1024 * 1024;
/** Addresses that are known at a time: one that invents them takes no memory. */
const mostAddresses = 4096;

export function createFrameSwitch(): FrameSwitch {
  const cards = new Set<Socket>();
  const places = new Map<string, Socket>();
  const learn = (address: string, card: Socket): void => {
    if (places.get(address) === card) return;
    if (places.size >= mostAddresses) places.clear();
    places.set(address, card);
  };
  const pass = (from: Socket, frame: Buffer): void => {
    const ethernet = frame.subarray(lengthBytes);
    learn(ethernet.toString('latin1', 6, 12), from);
    // The lowest bit of the first byte: for all, or for a group.
    const isForMany = ((ethernet[0] ?? 1) & 1) === 1;
    const known = isForMany ? undefined : places.get(ethernet.toString('latin1', 0, 6));
    for (const card of known ? [known] : cards)
      if (card !== from && card.writableLength < mostWaiting) card.write(frame);
  };
  return {
    get size() {
      return cards.size;
    },
    join(socket) {
      cards.add(socket);
      let rest: Buffer = Buffer.alloc(0);
      socket.on('data', (data: Buffer) => {
        rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
        while (rest.length >= lengthBytes) {
          const length = rest.readUInt32BE(0);
          if (length > mostFrame) return void socket.destroy();
          if (rest.length < lengthBytes + length) return;
          if (length >= leastFrame) pass(socket, rest.subarray(0, lengthBytes + length));
          rest = rest.subarray(lengthBytes + length);
        }
      });
      socket.once('error', () => socket.destroy());
      socket.once('close', () => {
        cards.delete(socket);
        for (const [address, card] of places) if (card === socket) places.delete(address);
      });
    },
  };
}
