import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { usualLibvirt } from '../../host/libvirt/usual-libvirt.ts';
import {
  defineDomain,
  domainsAt,
  domainState,
  metadataOf,
  networksAt,
  undefineDomain,
  whyNoLibvirt,
  whyNotTaken,
} from '../../host/libvirt/virsh.ts';
import type { ToOf } from '../target-kind.ts';
import type { Card } from './cards.ts';
import { domainMark, metadataNamespace } from './domain-xml.ts';
import type { PlannedVm } from './plan-vm.ts';

/** A VM that libvirt defines. */
export interface PublishedDomain {
  readonly uri: string;
  readonly uuid: string;
  readonly name: string;
  /** By which its definition is known as this run's. */
  readonly mark: string;
  readonly xml: string;
}

/** Where libvirt defines the VM; null: nowhere. @throws SendenseError `target.unfit` where the one that is named does not answer */
export async function libvirtOf(
  { libvirt }: Pick<ToOf<'kvm'>, 'libvirt'>,
  signal?: AbortSignal,
): Promise<string | null> {
  if (libvirt === 'none') return null;
  const uri = libvirt ?? usualLibvirt;
  const why = await whyNoLibvirt(uri, signal);
  if (why === null) return uri;
  if (libvirt === undefined) return null;
  throw new SendenseError('target.unfit', `libvirt does not answer at ${uri}: ${why}`, {
    remedy: 'Start libvirt (Debian packages libvirt-daemon-system and libvirt-clients), or set `libvirt: none`.',
  });
}

/**
 * Before anything is written: nobody has the name or the uuid, the networks are there, and libvirt takes the definition.
 * @param uri null: libvirt does not define it
 * @throws SendenseError `file.exists`, `target.unfit`
 */
export async function assertRoomForDomain(uri: string | null, vm: PlannedVm, xml: string | null): Promise<void> {
  await assertNetworks(uri, vm.cards);
  if (uri === null || xml === null) return;
  const { name } = vm.machine;
  const own = { uri, uuid: vm.uuid, mark: domainMark(vm) };
  for (const domain of await domainsAt(uri)) {
    if ((domain.name !== name && domain.uuid !== vm.uuid) || (await isOurs({ ...own, uuid: domain.uuid }))) continue;
    const what = domain.name === name ? `a VM ${name}` : `the VM ${domain.name} with the uuid ${vm.uuid}`;
    throw new SendenseError('file.exists', `libvirt (${uri}) already has ${what}; nothing was written`, {
      remedy: 'Give the new VM another name (`name`, --name), or a new identity.',
    });
  }
  const why = await whyNotTaken(uri, xml);
  if (why !== null)
    throw new SendenseError('target.unfit', `libvirt (${uri}) does not take the VM: ${why}`, {
      remedy: 'Correct that, or set `libvirt: none` and define the VM by hand.',
    });
}

async function assertNetworks(uri: string | null, cards: readonly Card[]): Promise<void> {
  const wanted = new Set(cards.flatMap(({ to }) => (to?.kind === 'network' ? [to.name] : [])));
  const known = uri === null || wanted.size === 0 ? [] : await networksAt(uri);
  for (const name of wanted)
    if (!known.includes(name))
      throw new SendenseError(
        'target.unfit',
        uri === null
          ? `${name} is a network of libvirt, and libvirt does not define the VM`
          : `libvirt (${uri}) has no network ${name}; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
        { remedy: 'Name a network that is there, a bridge (`bridge:br0`), or `user` for the NAT of QEMU.' },
      );
  for (const { to } of cards)
    if (to?.kind === 'bridge' && !(await exists(`/sys/class/net/${to.name}/bridge`)))
      throw new SendenseError('target.unfit', `this machine has no bridge ${to.name}`, {
        remedy: '`ip link show type bridge` lists them.',
      });
}

/** Whether it bears the mark of the run. */
export async function isOurs(
  { uri, uuid, mark }: Pick<PublishedDomain, 'uri' | 'uuid' | 'mark'>,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = await metadataOf(uri, uuid, metadataNamespace, signal);
  return found?.replaceAll("'", '"').includes(mark) ?? false;
}

/** Defines it, unless an earlier attempt has. @throws SendenseError `file.exists`, `tool.failed`: what is restored stays */
export async function publishDomain(domain: PublishedDomain, signal?: AbortSignal): Promise<void> {
  const { uri, uuid, name, xml } = domain;
  const remedy = `All files are in place. Define the VM with \`virsh --connect ${uri} define\` and domain.xml, or start it with start.sh.`;
  try {
    if (await isOurs(domain, signal)) return;
    const other = (await domainsAt(uri, signal)).find((one) => one.uuid === uuid || one.name === name);
    if (other)
      throw new SendenseError('file.exists', `libvirt (${uri}) has got a VM ${other.name} meanwhile`, { remedy });
    await defineDomain(uri, xml, signal);
  } catch (error) {
    if (!(error instanceof SendenseError) || error.code !== 'tool.failed') throw error;
    throw new SendenseError('tool.failed', `libvirt (${uri}) did not define the VM ${name}: ${error.message}`, {
      cause: error,
      remedy,
    });
  }
}

/** Undefines what {@link publishDomain} has defined, and nothing that does not bear its mark. @throws SendenseError `target.busy` while it runs */
export async function removeDomain(domain: PublishedDomain): Promise<void> {
  const { uri, uuid, name } = domain;
  if (!(await isOurs(domain))) return;
  const state = await domainState(uri, uuid);
  if (state !== 'shut off')
    throw new SendenseError('target.busy', `the VM ${name} of a restore that failed is ${state}`, {
      remedy: `Stop it (virsh --connect ${uri} destroy ${name}), then run \`sendense-run recover\`.`,
    });
  await undefineDomain(uri, uuid);
}
