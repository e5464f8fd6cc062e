import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findNetwork } from '../../src/boot/find-network.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

// A libvirt without a host below it: it has one network, default, with the bridge virbr0.
const uri = 'test:///default';

test.each([
  ['bridge:nobody0', 'this machine has no bridge nobody0'],
  ['network:nobody', `libvirt (${uri}) has no network nobody; it has default`],
  // There may be a libvirt with such a bridge on this machine.
  ['network:default', /the network default of libvirt is not active|does not allow the bridge virbr0/],
] as const)('%s, which is not there, is refused before anything is made', async (network, message) => {
  await expect(findNetwork(network, { uri, bridgeConf: '/nowhere/bridge.conf' })).rejects.toThrow(message);
});

test('what has no name is taken as it is, and a libvirt that is not there is told', async () => {
  for (const network of ['none', 'isolated', 'group:net-1'] as const) expect(await findNetwork(network)).toBe(network);
  await using folder = await temporaryFolder();
  await writeFile(folder.file('socket'), '');
  const nobody = `qemu+unix:///system?socket=${folder.file('socket')}`;
  await expect(findNetwork('network:default', { uri: nobody })).rejects.toThrow('does not answer');
});
