import { expect, it } from 'vitest';
import { tagsOver } from '../../../src/node/vsphere/tags.ts';

const bears = (value: unknown): readonly unknown[] => [
  ['t'],
  { name: 'gold', category_id: 'c' },
  { name: 'tier' },
  value,
];

const asked = (answers: readonly unknown[]): Promise<Map<string, string[]>> => {
  let next = 0;
  return tagsOver({ call: async () => answers[next++] ?? null });
};

it('names the tags of VMs by their category', async () => {
  const objects = [
    { id: 'vm-1', type: 'VirtualMachine' },
    { id: 'host-1', type: 'HostSystem' },
  ];
  expect(await asked(bears([{ tag_id: 't', object_ids: objects }]))).toEqual(new Map([['vm-1', ['tier/gold']]]));
  expect(await asked(bears([{ tag_id: 't' }]))).toEqual(new Map());
});

it.each<[readonly unknown[]]>([
  [[['\ud800']]],
  [[['t'], { name: 'gold', category_id: { toString: null } }]],
  [bears([null])],
  [bears([{ tag_id: { toString: null }, object_ids: [] }])],
  [bears([{ tag_id: 't', object_ids: [null] }])],
  [bears([{ tag_id: 't', object_ids: [{ id: 5, type: 'VirtualMachine' }] }])],
])('refuses what is no answer of a vCenter: %j', async (answers) => {
  await expect(asked(answers)).rejects.toMatchObject({ code: 'vsphere.protocol' });
});
