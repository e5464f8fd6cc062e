import { SendenseError } from '../../errors/sendense-error.ts';
import type { GroupPlan } from '../../schemas/types.ts';
import { loginFor } from '../at-node/source-login.ts';
import { vsphereSpecOf } from '../at-node/source-spec.ts';
import type { Services } from '../services.ts';
import type { SourceVm } from './select-members.ts';

/** The VMs of the group's source, and the source's name. @throws SendenseError `source.missing`, and what the node says */
export async function listSourceVms(
  services: Services,
  group: GroupPlan,
  signal: AbortSignal,
): Promise<{ readonly source: string; readonly vms: SourceVm[]; readonly warnings: readonly string[] }> {
  const { sources } = services.settings;
  const [only, ...others] = Object.keys(sources);
  const name = group.source ?? (others.length === 0 ? only : undefined);
  const source = name === undefined ? undefined : sources[name];
  if (name === undefined || !source)
    throw new SendenseError('source.missing', `sendense.yaml has no source ${name ?? 'that the group could mean'}`, {
      remedy: 'Name one of `sources` in sendense.yaml with `source:`.',
    });
  if (source.type === 'image') {
    const vms = Object.keys(source.vms).map((vm) => ({ ...imageVm, name: vm }));
    return { source: name, vms, warnings: [] };
  }
  const spec = vsphereSpecOf(name, source, services.settingsFolder);
  const client = await services.node(group.node);
  const tags = wantsTags(group);
  const { vms, warnings } = await client.inventory(
    { source: spec, ...(await loginFor(services, spec, signal)), tags },
    signal,
  );
  return {
    source: name,
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

const imageVm = { path: null, moref: null, instanceUuid: null, template: false, capacity: null, tags: null };

const wantsTags = ({ members, exclude = [], overrides = [] }: GroupPlan): boolean =>
  [...members, ...exclude, ...overrides.map(({ match }) => match)].some(({ tag }) => tag !== undefined);
