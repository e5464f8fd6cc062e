import { createHash } from 'node:crypto';
import type { NewVm } from '../../schemas/types.ts';
import type { WantedPlace } from '../vsphere/new-vm/place.ts';
import type { Thickness } from '../vsphere/new-vm/judge-place.ts';
import { wantedVm, type WantedVm } from '../vsphere/new-vm/wanted-vm.ts';

/** The VM that a request asks for. @throws SendenseError `target.unfit` */
export function askedVm({ vm_config: config, disks, without_tpm: withoutTpm }: NewVm): WantedVm {
  return wantedVm(config, { disks: new Map(disks.map(({ key, bytes }) => [Number(key), bytes])), withoutTpm });
}

export const askedPlace = ({ place }: NewVm): WantedPlace => ({
  name: vsphereName(place.name),
  folder: place.folder,
  pool: place.pool,
  datastore: place.datastore,
  disks: new Map(Object.entries(place.disks).map(([key, datastore]) => [Number(key), datastore])),
  files: new Map(Object.entries(place.files ?? {}).map(([key, file]) => [Number(key), file])),
  networks: new Map(Object.entries(place.networks)),
});

export const askedThickness = ({ thin, disks }: NewVm): Thickness => ({
  thin,
  used: new Map(disks.map(({ key, used }) => [Number(key), used])),
});

/** Of what decides how the VM is made: a run goes on with the VM of another one only where it is the same. */
export function digestOfAsked({ place, disks, mac, identity, connect, thin, without_tpm: withoutTpm }: NewVm): string {
  const { name, folder, datastore, files } = place;
  // One that is made for its disks is never started: it may be anywhere, and the VM that gets them moves from host to host.
  const pool = files === undefined ? place.pool : null;
  const sorted = (mapping: Readonly<Record<string, string>>): unknown[] => Object.entries(mapping).toSorted();
  const made = [
    [name, folder, pool, datastore, sorted(place.disks), sorted(place.networks)],
    disks.map(({ key, bytes }) => [key, bytes]),
    [mac, identity, connect, thin, withoutTpm],
  ];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex');
}

/** vSphere writes these three characters so. */
const vsphereName = (name: string): string =>
  name
    .replaceAll(/%(?!2f|5c|25)/gi, '%25')
    .replaceAll('/', '%2f')
    .replaceAll('\\', '%5c');
