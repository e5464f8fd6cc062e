import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import type { ImageDiscoverOutput } from '../../schemas/types.ts';
import { noVm } from '../no-vm.ts';
import type { AskedSource, Discovery, ListedVms, WantedVms } from '../source-kind.ts';
import { imageSpec } from './image-spec.ts';

type Asked = AskedSource<'image'>;

const nothingElse = { path: null, moref: null, instanceUuid: null, template: false, capacity: null, tags: null };

export const listVms = async ({ settings }: Asked): Promise<ListedVms> => ({
  vms: Object.keys(settings.vms).map((name) => ({ ...nothingElse, name })),
  warnings: [],
});

export async function discoverVms(
  { settings, place, node: client, signal }: Asked,
  { vm, folder, node }: WantedVms,
): Promise<Discovery<'image'>> {
  const { name } = place;
  if (folder !== undefined)
    throw new SendenseError('usage', `source ${name} is of type image: its VMs are in no folder`, {
      remedy: 'Remove --folder.',
    });
  const known = Object.keys(settings.vms);
  if (vm !== undefined && !known.includes(vm)) throw noVm(name, vm, known);
  const vms: ImageDiscoverOutput['vms'] = [];
  for (const each of vm === undefined ? known : [vm]) {
    try {
      const source = imageSpec(settings, { name: each }, place);
      const found = await (await client()).discover({ vm_name: each, source }, signal);
      vms.push({ name: each, disks: found.disks, warnings: found.warnings, error: null });
    } catch (error) {
      // One VM whose disks are gone hides no other; a node that does not work is told once.
      if (vm !== undefined || !(error instanceof SendenseError) || error.code.startsWith('node.')) throw error;
      vms.push({ name: each, disks: [], warnings: [], error: errorToJson(error) });
    }
  }
  return {
    output: { version: 1, type: 'image', source: name, node, vms, warnings: [] },
    one: vm === undefined ? null : { name: vm, identity: null, id: null, where: {}, reading: {}, facts: null },
    others: [],
  };
}
