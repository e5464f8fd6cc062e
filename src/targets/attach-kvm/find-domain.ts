import { SendenseError } from '../../errors/sendense-error.ts';
import { lookAtDomain, type DomainLook } from '../../host/libvirt/domain-devices.ts';
import { domainsAt, type KnownDomain } from '../../host/libvirt/virsh.ts';

/** All VMs of a libvirt. @throws SendenseError `target.unfit` where it does not answer */
export async function domainsIn(uri: string, signal?: AbortSignal): Promise<KnownDomain[]> {
  try {
    return await domainsAt(uri, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SendenseError)) throw error;
    throw new SendenseError('target.unfit', `libvirt does not answer at ${uri}: ${error.message}`, {
      cause: error,
      remedy:
        'Start libvirt (Debian packages libvirt-daemon-system and libvirt-clients), or name another one (--libvirt).',
    });
  }
}

/** The VM of that name or uuid. @throws SendenseError `target.unfit`, `tool.failed` */
export async function findDomain(uri: string, wanted: string, signal?: AbortSignal): Promise<DomainLook> {
  const all = await domainsIn(uri, signal);
  const found = all.find(({ name }) => name === wanted) ?? all.find(({ uuid }) => uuid === wanted.toLowerCase());
  const look = found && (await lookAtDomain(uri, found.uuid, signal));
  if (look) return look;
  // Who asks over HTTP may not see them all.
  throw new SendenseError('target.unfit', `libvirt (${uri}) has no VM ${wanted}; VMs there: ${all.length}`, {
    remedy: 'Name one of them, by its name or its uuid: `virsh list --all`.',
  });
}
