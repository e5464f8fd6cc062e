import { ownLibvirts } from '../../host/libvirt/usual-libvirt.ts';
import { usualFolder } from '../../targets/attach-kvm/usual-folder.ts';
import type { TargetType } from '../../targets/target-kind.ts';

/** What stands in `to` of a plan of kind restore, before it was checked. */
export type Mapping = Readonly<Record<string, unknown>>;

/** What a kind of target means for somebody who has no shell on the hub. */
interface RemoteTarget {
  /** Folders, files and devices of the hub that it writes to, by field. */
  paths(to: Mapping): Readonly<Record<string, unknown>>;
  /** What it overwrites or switches on, in words; null: nothing. */
  risk(to: Mapping): string | null;
  /** The VM that it changes, where that may be another one than that of the restore point: as the request names it; null: none. */
  receiver?(to: Mapping): unknown;
}

/** What is made is new, and off. */
const harmless = (): null => null;

const isSaid = (start: unknown): boolean => start !== undefined && start !== false;

const remote: { readonly [T in TargetType]: RemoteTarget } = {
  directory: { paths: ({ directory }) => ({ 'to.directory': directory }), risk: harmless },
  device: {
    paths: ({ device }) =>
      typeof device === 'object' && device !== null
        ? Object.fromEntries(Object.entries(device).map(([disk, path]) => [`to.device.${disk}`, path]))
        : { 'to.device': device },
    risk: ({ overwrite }) => (overwrite === true ? 'writes over what a block device holds' : null),
  },
  ova: { paths: ({ ova }) => ({ 'to.ova': ova }), risk: harmless },
  kvm: {
    paths: ({ kvm }) => ({ 'to.kvm': kvm }),
    risk: ({ start }) => (isSaid(start) ? 'starts a VM' : null),
  },
  vsphere: {
    paths: () => ({}),
    risk: ({ powerOn, start }) => (powerOn === true || isSaid(start) ? 'starts a VM' : null),
  },
  inPlace: { paths: () => ({}), risk: () => 'writes over the disks of a VM' },
  attach: { paths: () => ({}), risk: () => 'attaches disks to a VM', receiver: ({ vm }) => vm },
  attachKvm: {
    paths: ({ folder = usualFolder }) => ({ 'to.folder': folder }),
    risk: () => 'attaches disks to a VM',
    receiver: ({ attachKvm }) => attachKvm,
  },
};

const types = Object.keys(remote) as TargetType[];

/** Of what names no kind, the checks of plans say what is wrong. */
const kindsIn = (to: Mapping): readonly RemoteTarget[] =>
  types.filter((type) => type in to).map((type) => remote[type]);

/** Where on the hub a restore writes, by field. */
export const pathsOf = (to: Mapping): Readonly<Record<string, unknown>> =>
  Object.assign({}, ...kindsIn(to).map((kind) => kind.paths(to)));

/** What a restore overwrites or switches on, in words; null: nothing. */
export const riskOf = (to: Mapping): string | null =>
  kindsIn(to)
    .map((kind) => kind.risk(to))
    .find((risk) => risk !== null) ?? null;

/** The VM that a restore changes, by its name, where that may be another one than that of the restore point; null: none. */
export function receiverOf(to: Mapping): Receiver | null {
  const [named] = kindsIn(to).flatMap((kind) => kind.receiver?.(to) ?? []);
  if (named === undefined) return null;
  const text = String(named);
  return { named: text, name: isId.test(text) ? null : text.slice(text.lastIndexOf('/') + 1) };
}

export interface Receiver {
  /** As the request says it. */
  readonly named: string;
  /** null: it was named by an id, and nobody knows its name. */
  readonly name: string | null;
}

/** A managed object id, or a uuid. */
const isId = /^(vm-[0-9]+|[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** What only those may say who have a shell on the hub, by field. */
export function localOnly({ libvirt, convert }: Mapping): string | null {
  if (libvirt !== undefined && !['none', ...ownLibvirts].includes(String(libvirt))) return 'to.libvirt';
  return typeof convert === 'object' && convert !== null && 'virtioWin' in convert ? 'to.convert.virtioWin' : null;
}
