import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWaitingRoom } from '../../../../src/host/nbd/gate/waiting-room.ts';
import { random } from '../../../support/random.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Caller extends EventEmitter {
  ended = false;
  remoteAddress: string;
  readonly localAddress = '192.0.2.1';
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.ended = true;
    this.emit('close');
  }
}

const callers = (count: number, address: string): Caller[] => Array.from({ length: count }, () => new Caller(address));

const chance = random('who goes');

function room(most: number) {
  const { enter, leave } = createWaitingRoom({ most, ms: 10_000 }, chance.part);
  return {
    come: (all: readonly Caller[], port = 10_100): void => {
      for (const caller of all) enter(caller as unknown as Socket, port);
    },
    prove: (caller: Caller): void => leave(caller as unknown as Socket),
  };
}

const staying = (all: readonly Caller[]): number => all.filter(({ ended }) => !ended).length;

test('who comes by the thousand puts out only its own: those of another peer, or at another port, stay', () => {
  const { come } = room(10);
  const [node, other] = [callers(2, '192.0.2.7'), callers(1, '192.0.2.9')];
  come(node);
  come(other, 10_101);
  // Of one machine, whatever address it takes.
  const flood = [...callers(500, '127.0.0.1'), ...callers(500, '127.9.9.9'), ...callers(500, '192.0.2.1')];
  come(flood);
  come(callers(1000, '192.0.2.9'), 10_100);
  expect(staying(node)).toBe(2);
  expect(staying(other)).toBe(1);
  expect(staying(flood)).toBeLessThanOrEqual(7);
});

test('each has ten seconds; who has shown the key has as long as it likes', () => {
  const { come, prove } = room(10);
  const [slow, proven] = [new Caller('192.0.2.7'), new Caller('192.0.2.7')];
  come([slow, proven]);
  prove(proven);
  vi.advanceTimersByTime(9999);
  expect(slow.ended).toBe(false);
  vi.advanceTimersByTime(1);
  expect([slow.ended, proven.ended]).toEqual([true, false]);
  come(callers(100, '192.0.2.7'));
  expect(proven.ended).toBe(false);
});

test('who has just come is hardly ever the one that goes: not the oldest first', () => {
  let kept = 0;
  for (let round = 0; round < 200; round++) {
    const { come } = room(100);
    come(callers(100, '127.0.0.1'));
    const honest = new Caller('127.0.0.1');
    come([honest]);
    come(callers(50, '127.0.0.1'));
    if (!honest.ended) kept++;
  }
  // (99/100)^50 is 0.6; oldest first, one round of 100 would be the end of it.
  expect(kept).toBeGreaterThan(70);
});
