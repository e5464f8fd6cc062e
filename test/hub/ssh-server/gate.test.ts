import { expect, test } from 'vitest';
import { gateLimits, openGate, type Pending } from '../../../src/hub/ssh-server/gate.ts';

const limits = { ...gateLimits, pending: 4, pendingPerAddress: 2, failures: 2, onProbation: 1, failureWindowMs: 1000 };

test('the oldest of too many waiting is ended, first of the same address', () => {
  const gate = openGate(limits);
  const ended: string[] = [];
  const come = (address: string, name: string): Pending => {
    const pending = { address, end: () => void ended.push(name) };
    expect(gate.enter(pending)).toBe('open');
    return pending;
  };
  come('192.0.2.1', 'a');
  const b = come('192.0.2.1', 'b');
  come('::ffff:192.0.2.1', 'c');
  expect(ended).toEqual(['a']);
  gate.leave(b);
  for (const [index, name] of ['d', 'e', 'f', 'g'].entries()) come(`192.0.2.${index + 2}`, name);
  expect(ended).toEqual(['a', 'c']);
});

test('an address that failed too often is on probation, then waits, IPv6 by its /64, and others do not', () => {
  let now = 0;
  const gate = openGate(limits, () => now);
  const may = (address: string): string => gate.enter({ address, end: () => undefined });
  gate.failed('2001:db8::1');
  gate.failed('2001:db8:0:0:ffff::2');
  expect([may('2001:db8::3'), may('2001:db8:0:1::3'), may('192.0.2.1')]).toEqual(['probation', 'open', 'open']);
  expect(may('2001:db8::4')).toBe('closed');
  now = 1001;
  expect(may('2001:db8::3')).toBe('open');
});
