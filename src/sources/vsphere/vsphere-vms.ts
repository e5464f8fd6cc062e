import { noVm } from '../no-vm.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { VsphereVm } from '../../schemas/types.ts';
import type { AskedSource, Discovery, FoundVm, ListedVms, WantedVms } from '../source-kind.ts';
import { vsphereSpec } from './vsphere-spec.ts';

type Asked = AskedSource<'vsphere'>;

const anyVm = { name: '' };

export async function listVms(
  { settings, place, node, login, signal }: Asked,
  { tags }: { readonly tags: boolean },
): Promise<ListedVms> {
  const source = vsphereSpec(settings, anyVm, place);
  const client = await node();
  const { vms, warnings } = await client.inventory({ source, ...(await login(source)), tags }, signal);
  return {
    warnings,
    vms: vms.map((vm) => ({
      name: vm.name,
      path: vm.path,
      moref: vm.moref,
      instanceUuid: vm.instance_uuid,
      template: vm.template,
      capacity: vm.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0),
      tags: vm.tags ?? null,
    })),
  };
}

export async function discoverVms(
  { settings, place, node: client, login, signal }: Asked,
  { vm, folder, node }: WantedVms,
): Promise<Discovery<'vsphere'>> {
  const { name } = place;
  const source = vsphereSpec(settings, anyVm, place);
  const { about, vms, warnings } = await (await client()).inventory({ source, ...(await login(source)) }, signal);
  const below =
    folder === undefined ? vms : vms.filter(({ path }) => path.startsWith(`${folder.replace(/\/+$/, '')}/`));
  if (folder !== undefined && below.length === 0)
    throw new SendenseError('source.missing', `source ${name} has no VM below ${folder}`);
  const one = vm === undefined ? undefined : oneVm(name, vm, below);
  const shown = one ? [one] : below;
  return {
    output: {
      version: 1,
      type: 'vsphere',
      source: name,
      node,
      about,
      vms: [...shown].sort((left, right) => (left.path < right.path ? -1 : 1)),
      warnings,
    },
    one: one ? foundVm(one) : null,
    others: vms.filter((other) => other !== one).map((other) => other.name),
  };
}

/** By path, else managed object id, else name. */
function oneVm(source: string, wanted: string, vms: readonly VsphereVm[]): VsphereVm {
  for (const key of ['path', 'moref', 'name'] as const) {
    const found = vms.filter((vm) => vm[key] === wanted);
    if (found.length > 1)
      throw new SendenseError('usage', `source ${source} has ${found.length} VMs of the ${key} ${wanted}`, {
        remedy: `Name one by its path or id: ${found.map(({ path, moref }) => `${path} (${moref})`).join(', ')}`,
      });
    if (found[0]) return found[0];
  }
  throw noVm(
    source,
    wanted,
    vms.flatMap(({ name, path }) => [name, path]),
  );
}

const foundVm = (vm: VsphereVm): FoundVm => ({
  name: vm.name,
  identity: vm.instance_uuid,
  id: vm.moref,
  where: { path: vm.path },
  reading: { quiesce: 'try', cbt: vm.cbt.supported && !vm.cbt.enabled ? 'enable' : 'auto' },
  facts: { guest: vm.guest, disks: vm.disks, findings: vm.findings },
});
