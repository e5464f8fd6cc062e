import { expect, test, vi } from 'vitest';
import { openRest } from '../../src/node/vsphere/rest.ts';
import { tagsByVm } from '../../src/node/vsphere/tags.ts';
import type { Vcenter } from '../simulators/vcenter/start-vcenter.ts';
import { leftovers } from './nothing-left.ts';
import { MiB, vsphereWorkspace } from './vsphere-workspace.ts';

vi.setConfig({ testTimeout: 300_000 });

const addressOf = ({ host, port, user, password, thumbprint }: Vcenter) => ({
  host,
  port,
  user,
  password,
  thumbprint,
  ca: null,
});

/** Makes a tag, in a category of its own where that is new, and gives it to VMs. */
async function tag(vcenter: Vcenter, category: string, name: string, morefs: readonly string[]): Promise<void> {
  await using rest = await openRest(addressOf(vcenter));
  const at = 'com/vmware/cis/tagging';
  const kind = { name: category, description: '', cardinality: 'MULTIPLE', associable_types: [] };
  const categoryId = await rest.call('POST', `${at}/category`, { create_spec: kind });
  const spec = { name, description: '', category_id: categoryId };
  const id = String(await rest.call('POST', `${at}/tag`, { create_spec: spec }));
  for (const moref of morefs)
    await rest.call('POST', `${at}/tag-association/id:${encodeURIComponent(id)}?~action=attach`, {
      object_id: { id: moref, type: 'VirtualMachine' },
    });
}

test('a group finds its VMs by folder and tag, and VMs of one name stay apart', async () => {
  await using place = await vsphereWorkspace();
  const { vcenter, work } = place;
  const disks = [{ capacity: 2 * MiB, content: Buffer.from('first') }];
  const add = (name: string, folder: string) => vcenter.addVm({ name, folder, cbt: true, disks });
  const [webA, webB, db, other] = [
    await add('web', 'production/a'),
    await add('web', 'production/b'),
    await add('db1', 'databases'),
    await add('other', 'elsewhere'),
  ];
  await tag(vcenter, 'backup', 'gold', [db.moref]);
  await tag(vcenter, 'owner', 'somebody', [db.moref, other.moref]);
  expect(await tagsByVm(addressOf(vcenter))).toEqual(
    new Map([
      [db.moref, expect.arrayContaining(['backup/gold', 'owner/somebody'])],
      [other.moref, ['owner/somebody']],
    ]),
  );

  await work.write(
    'group.yaml',
    `kind: group
name: production
members: [{ folder: /DC1/vm/production }, { tag: gold }]
repository: primary
vm: { cbt: require }
`,
  );
  const first = await place.run('group.yaml');
  expect(first.finished).toMatchObject({ status: 'succeeded' });
  const contexts = (first.finished.runs ?? []).map(({ vm, context }) => [vm, context]);
  expect(contexts.map(([vm]) => vm).sort()).toEqual(['db1', 'web', 'web']);
  const webs = contexts.filter(([vm]) => vm === 'web').map(([, context]) => context);
  expect(webs).toEqual(expect.arrayContaining(['web', expect.stringMatching(/^web-[0-9a-f]{8}$/)]));

  const second = await place.run('group.yaml');
  expect(second.finished.runs?.map(({ kind }) => kind)).toEqual(['incremental', 'incremental', 'incremental']);
  expect((second.finished.runs ?? []).map(({ vm, context }) => [vm, context]).sort()).toEqual(contexts.sort());
  for (const vm of [webA, webB, db, other]) expect(await vm.snapshots()).toEqual([]);
  expect(leftovers(work.folder)).toEqual([]);
});

test('tags are refused where the login is, and a bare host has none', async () => {
  await using place = await vsphereWorkspace({ esx: true });
  const { vcenter, work } = place;
  await vcenter.addVm({ name: 'web', cbt: true, disks: [{ capacity: MiB }] });
  await work.write('group.yaml', `kind: group\nname: tagged\nmembers: [{ tag: gold }]\nrepository: primary\n`);
  const { finished } = await place.run('group.yaml');
  expect(finished.error?.message).toContain('only a vCenter has tags');
});
