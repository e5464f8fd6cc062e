import fc from 'fast-check';
import { expect } from 'vitest';
import { parseXml, type XmlValue } from '../../src/node/vsphere/xml.ts';
import { parseJson } from '../../src/schemas/parse-json.ts';
import type { VmConfig } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { describedVm } from '../../src/targets/ova/describe-vm.ts';
import { diskFileName, nvramName } from '../../src/targets/ova/ova-names.ts';
import { ovfText } from '../../src/targets/ova/ovf-text.ts';
import { pointDisks, savedCard, savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { fuzz, judge } from './harness.ts';
import { hostileJson } from './hostile-json.ts';

const points = pointDisks(3);
const full = savedConfig({
  firmware: 'efi',
  annotation: 'a <note>',
  controllers: [savedController(1000, 'VirtualLsiLogicController'), savedController(1001, 'VirtualNVMEController', 1)],
  disks: points.map(({ uuid }, index) => savedDisk(index, { uuid, controller_key: 1000 + (index % 2) })),
  networks: [savedCard(), savedCard({ network: 'A & "B"', type: 'VirtualE1000' })],
  nvram: { file: '[ds] a.nvram', sha256: '0'.repeat(64), base64: 'AAAA' },
});
const disks = points.map(({ number, uuid }) => ({
  disk: `disk-${number}`,
  number,
  uuid,
  capacity_bytes: 2 ** 20,
  file: `/repository/vm/disk-${number}/a.qcow2`,
  index: `/repository/vm/disk-${number}/a.index`,
  digest: 'sha256:00',
}));

const parsed = (bytes: Buffer): unknown => {
  try {
    return parseJson(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Names of elements, with how deep they lie. */
const shapeOf = ({ name, children }: XmlValue, depth = 0): string[] => [
  `${depth} ${name}`,
  ...children.flatMap((child) => shapeOf(child, depth + 1)),
];
const known = /^[0-5] (?:(?:rasd|vssd|vmw):)?[A-Z][A-Za-z]+$/;

fuzz('descriptors of OVA files, of configurations that others have written', {
  input: hostileJson(fc.constant(full)),
  few: 150,
  sound: [Buffer.from(JSON.stringify(full)), Buffer.from(JSON.stringify(savedConfig()))],
  attempt: async (bytes) => {
    const config = parsed(bytes);
    // `readVmConfig` lets nothing else through.
    if (!validatorOf('vm-config.json')(config)) return false;
    const { refused } = await judge(async () => {
      const to = { ova: './vm.ova' };
      const { vm, nvram, notes } = describedVm(config as VmConfig, {
        to,
        disks,
        vmName: 'pgtest1',
        firmwareByDisk: 'bios',
      });
      const size = 2 ** 40;
      const files = disks.map(({ disk }) => ({
        disk,
        file: diskFileName(vm.name, disk),
        size,
        capacity: size,
        populated: size,
      }));
      const text = ovfText(vm, { disks: files, nvram: nvram && { file: nvramName(vm.name), size } });
      expect(text.length).toBeLessThan(256 * 1024);
      expect(notes.join('').length).toBeLessThan(10_000);
      for (const { file } of files) expect(file).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/);
      const shape = shapeOf(parseXml(text));
      for (const element of shape) expect(element).toMatch(known);
      expect(shape.filter((element) => element === '1 VirtualSystem')).toHaveLength(1);
      expect(shape.filter((element) => element === '2 Disk')).toHaveLength(disks.length);
    });
    if (refused) expect(refused.code).toBe('machine.unknown');
    return refused === undefined;
  },
});
