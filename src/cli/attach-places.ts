import { SendenseError } from '../errors/sendense-error.ts';
import type { AttachPlace, PlaceKind } from '../hub/attached/attach-place.ts';
import { attachKvmOf, attachOf, type ToOptions } from './restore-to.ts';

/** Options that say more of a place. */
export interface PlaceOptions {
  readonly node?: string;
  readonly credential?: string;
  readonly libvirt?: string;
}

type AttachFlag = 'datastore' | 'thick' | 'resume' | 'node' | 'credential' | 'libvirt' | 'folder';
type AttachTo = { readonly [K in AttachFlag]?: ToOptions[K] | undefined } & { readonly vm?: string | undefined };

interface Place {
  /** The `to` of a plan that attaches disks. `where`: what stands behind the name of the kind. */
  to(where: string, options: AttachTo): Readonly<Record<string, unknown>>;
  /** Where attached disks are looked for. @param flag that says so */
  place(where: string, options: PlaceOptions, flag: string): AttachPlace;
}

const places: { readonly [K in PlaceKind]: Place } = {
  vsphere: {
    to: (where, { vm, ...options }) => attachOf(where, said(options), vm),
    place: (source, { node, credential, libvirt }, flag) => {
      if (source === '') throw unsaid(flag);
      if (libvirt !== undefined) throw usage('--libvirt is for VMs of libvirt: kvm:');
      return { kind: 'vsphere', source, node, credential };
    },
  },
  kvm: {
    to: (where, { vm, ...options }) => attachKvmOf(where, said(options), vm),
    place: (where, { node, credential, libvirt }, flag) => {
      if (where !== '') throw usage(`${flag} kvm:${where}: write kvm: alone; the VM is named beside it`);
      if (node !== undefined || credential !== undefined) throw usage('--node and --credential are for vSphere');
      return { kind: 'kvm', libvirt };
    },
  },
};

const said = (options: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** The kind that a place is of, and what stands behind its name; what has no kind is a source of vSphere. */
function kindOf(flag: string, text = ''): { readonly kind: Place; readonly where: string } {
  const [, name, where] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  if (name !== undefined && where !== undefined && Object.hasOwn(places, name))
    return { kind: places[name as PlaceKind], where };
  if (text === '' || text.includes(':')) throw unsaid(flag);
  return { kind: places.vsphere, where: text };
}

/** The `to` of a plan. @throws SendenseError `usage` */
export function attachToOf(to: string | undefined, options: AttachTo): Readonly<Record<string, unknown>> {
  const { kind, where } = kindOf('--to', to);
  if (where === '') throw unsaid('--to');
  return kind.to(where, options);
}

/** Where attached disks are looked for. @throws SendenseError `usage` */
export function placeOf(flag: string, text: string | undefined, options: PlaceOptions): AttachPlace {
  const { kind, where } = kindOf(flag, text);
  return kind.place(where, options, flag);
}

const unsaid = (flag: string): SendenseError =>
  usage(`say where the VM is: ${flag} vsphere:SOURCE, a source of sendense.yaml, or ${flag} kvm:… for libvirt`);

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run detach --help` and `sendense-run attach --help`.' });
