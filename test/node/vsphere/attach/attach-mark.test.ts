import { expect, test } from 'vitest';
import { attachMarkOption, attachMarksIn, type AttachMark } from '../../../../src/node/vsphere/attach/attach-mark.ts';
import { envelope } from '../../../../src/node/vsphere/encode-soap.ts';
import { parseXml } from '../../../../src/node/vsphere/xml.ts';

const mark: AttachMark = {
  run: '20261124T203000Z-4f2a',
  point: 'p-1',
  disk: 'disk-1',
  of: 'pgtest1',
  vm: '423d0000-1111-2222-3333-444455556666',
  time: '2026-11-24T20:30:00.000Z',
  file: '[LocalDS_0] pgtest1/a.vmdk',
};

/** As a server that keeps what it gets shows them. */
const kept = (id: string, one: AttachMark) => {
  const option = attachMarkOption(id, one);
  const config = parseXml(
    envelope('x', { type: 'y', value: 'z' }, [['config', { fields: [['OptionValue', option]] }]]),
  );
  const find = (node: typeof config): typeof config | undefined =>
    node.name === 'config' ? node : node.children.map(find).find(Boolean);
  return find(config);
};

test('a mark is read as it was written, whatever the VM and the folder are called', () => {
  for (const name of ['pgtest1', 'ü of=x file=y', ' ', '\u202e%00<&>"\'', 'a'.repeat(80), ''])
    expect(attachMarksIn(kept('6000C29e-1', { ...mark, of: name, file: `[${name}] ${name}` }))).toEqual([
      { id: '6000C29e-1', mark: { ...mark, of: name, file: `[${name}] ${name}` } },
    ]);
});

test('of what is no mark of ours nothing is believed', () => {
  const options = (key: string, value: string) =>
    parseXml(`<c><OptionValue><key>${key}</key><value>${value}</value></OptionValue></c>`);
  expect(attachMarksIn(options('sendense.attached.a-1', 'run=a'))).toEqual([{ id: 'a-1', mark: null }]);
  expect(attachMarksIn(options('sendense.attached.a-1', ''))).toEqual([]);
  expect(attachMarksIn(options('sendense.attached.../x', 'run=a'))).toEqual([]);
  expect(attachMarksIn(options('sendense.in-place', 'run=a'))).toEqual([]);
  const text = 'run=a point=b disk=disk-1 vm=c time=2026 of=%ZZ file=x';
  expect(attachMarksIn(options('sendense.attached.a-1', text))).toEqual([{ id: 'a-1', mark: null }]);
});
