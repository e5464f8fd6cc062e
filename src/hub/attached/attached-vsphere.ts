import { SendenseError } from '../../errors/sendense-error.ts';
import { targetHub } from '../../steps/restore/target-hub.ts';
import type { Services } from '../../steps/services.ts';
import type { TargetHub } from '../../targets/target-hub.ts';
import { olderNode } from '../../targets/vsphere/check-vm.ts';
import type { Attached, AttachedRequest, VspherePlace } from './attach-place.ts';

/** A node asks the vCenter. */
export function attachedInVsphere(services: Services): Attached<VspherePlace> {
  const placed = async ({ place, signal }: Pick<AttachedRequest<VspherePlace>, 'place' | 'signal'>) => {
    const { source, node = 'local', credential } = place;
    const hub = hubFor(services, signal);
    const spec = hub.vsphere(source, credential);
    return { spec, signal: hub.signal, node, login: await hub.login(spec), client: await hub.node(node) };
  };
  return {
    async list(request) {
      const { spec, login, client, node, signal } = await placed(request);
      const { disks } = await client
        .attachedDisks({ source: spec, ...login, vm: request.vm ?? null }, signal)
        .catch((error: unknown) => {
          throw olderNode(error, node, 'knows no attached disks');
        });
      return { version: 1, source: request.place.source, disks };
    },

    async detach(request) {
      const [first, ...rest] = request.disks;
      if (!first || rest.some(({ moref }) => moref !== first.moref))
        throw new SendenseError('run.internal', 'disks of several VMs, or none, are to be detached');
      const { spec, login, client, signal } = await placed(request);
      const { removed, forgotten } = await client.detachDisks(
        {
          source: spec,
          ...login,
          vm: first.moref,
          disks: [first.id, ...rest.map(({ id }) => id)],
          forget: request.forget ?? false,
        },
        signal,
      );
      return { version: 1, source: request.place.source, removed, forgotten };
    },
  };
}

const hubFor = (services: Services, signal: AbortSignal = new AbortController().signal): TargetHub =>
  targetHub({ services, runId: 'none', stepId: 'detach', planFolder: services.settingsFolder, signal });
