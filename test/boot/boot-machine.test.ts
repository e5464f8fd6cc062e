import { expect, test } from 'vitest';
import { bootNetworkOf, cardsOf, isBootNetwork } from '../../src/boot/boot-machine.ts';
import type { Machine } from '../../src/machines/machine.ts';

test.each([
  ['none', true],
  ['isolated', true],
  ['bridge:br0', true],
  ['bridge:vmbr0.100', true],
  ['bridge:', false],
  ['bridge:br0,script=/tmp/x', false],
  ['bridge:-x', false],
  ['bridge:a/b', false],
  ['bridge:br0\n', false],
  ['bridge:abcdefghijklmnop', false],
  ['user', false],
])('network %j: %s', (text, is) => {
  expect(isBootNetwork(text)).toBe(is);
});

test('any other plain name is one of libvirt, and nothing that a program takes for an option', () => {
  expect(bootNetworkOf('default')).toBe('network:default');
  expect(bootNetworkOf('bridge:br0')).toBe('bridge:br0');
  for (const text of ['-x', '', 'a b', 'bridge:', 'group:x', "a'b"]) expect(bootNetworkOf(text), text).toBeNull();
});

test('network cards have addresses of their own, unless the identity is kept', () => {
  const mac = '00:50:56:00:00:01';
  const machine = {
    networks: [
      { model: 'vmxnet3', mac, network: null, connected: true },
      { model: 'e1000e', mac: null, network: null, connected: false },
    ],
  } as unknown as Machine;
  expect(cardsOf(machine, 'none', true)).toEqual([]);
  const cards = cardsOf(machine, 'isolated', false);
  expect(cards.map(({ model }) => model)).toEqual(['vmxnet3', 'e1000e']);
  for (const card of cards) expect(card.mac).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
  expect(cardsOf(machine, 'isolated', true)[0]).toEqual({ model: 'vmxnet3', mac });
  expect(cardsOf({ ...machine, networks: [] }, 'isolated', true)).toMatchObject([{ model: 'e1000' }]);
});
