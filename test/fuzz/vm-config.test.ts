import fc from 'fast-check';
import { expect } from 'vitest';
import { envelope } from '../../src/node/vsphere/encode-soap.ts';
import type { Fitting } from '../../src/node/vsphere/new-vm/judge-place.ts';
import { readRestoreMark } from '../../src/node/vsphere/new-vm/restore-mark.ts';
import { vmSpec } from '../../src/node/vsphere/new-vm/vm-spec.ts';
import { wantedVm } from '../../src/node/vsphere/new-vm/wanted-vm.ts';
import { at, list, parseXml, text } from '../../src/node/vsphere/xml.ts';
import type { VmConfig } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { savedConfig, savedDisk } from '../node/vsphere/new-vm/saved-config.ts';
import { fuzz, judge } from './harness.ts';
import { hostileJson } from './hostile-json.ts';

/** Others may have written the configuration of a VM into a repository. */
const sound = savedConfig({
  boot: { ...savedConfig().boot, order: ['disk 2000', 'ethernet 4000', 'cdrom'] },
  disks: [savedDisk({}), savedDisk({ key: 2001, unit: 1 })],
  others: [
    {
      key: 3000,
      type: 'VirtualCdrom',
      label: 'CD/DVD drive 1',
      summary: 'Remote device',
      controller_key: 200,
      unit: 0,
      backing: null,
      start_connected: false,
    },
  ],
});
const store = {
  object: { type: 'Datastore', value: 'datastore-1' },
  name: 'LocalDS_0',
  freeBytes: 1e12,
  type: 'VMFS',
  problem: null,
};
const net = { object: { type: 'Network', value: 'network-1' }, name: 'VM Network', port: null, problem: null };
const fitting: Fitting = { home: store, datastoreOf: () => store, networkOf: () => net };
const mark = { run: 'run-1', point: 'p-1' };
const form = validatorOf('vm-config.json');

function parsed(bytes: Buffer): VmConfig | null {
  try {
    const value = JSON.parse(bytes.toString()) as unknown;
    return form(value) ? (value as VmConfig) : null;
  } catch {
    return null;
  }
}

fuzz('saved configurations that become VMs', {
  input: hostileJson(fc.constant(sound)),
  few: 100,
  sound: [Buffer.from(JSON.stringify(sound))],
  attempt: async (bytes) => {
    const config = parsed(bytes);
    if (config === null) return false;
    const disks = new Map(config.disks.slice(0, 64).map(({ key, capacity_bytes }) => [key, capacity_bytes] as const));
    const { accepted: vm, refused } = await judge(() => wantedVm(config, { disks, withoutTpm: true }));
    if (refused) {
      expect(refused.code).toBe('target.unfit');
      return false;
    }
    const how = { name: 'new', fitting, mark, mac: 'keep', identity: 'keep', connect: true, thin: null } as const;
    const spec = vmSpec(vm, how);
    const sent = parseXml(envelope('CreateVM_Task', { type: 'Folder', value: 'group-v3' }, [['config', spec]]));
    const shown = at(sent, 'Body.CreateVM_Task.config');
    // What was written into a value is still that value, and no device.
    expect(list(shown, 'deviceChange').length).toBe(
      vm.controllers.length + vm.disks.length + vm.cards.length + vm.cdDrives.length,
    );
    expect(readRestoreMark(text(shown, 'annotation'))).toEqual(mark);
    expect(readRestoreMark(vm.annotation)).toBeNull();
    for (const change of list(shown, 'deviceChange'))
      if (text(change, 'operation') !== 'add') throw new Error('something else than a new device');
    return true;
  },
});
