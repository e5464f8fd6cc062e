import { v2vDisks } from '../../host/images/virt-v2v.ts';
import { domainXml } from './domain-xml.ts';
import type { PlannedVm } from './plan-vm.ts';

/**
 * The VM as virt-v2v reads it: what it knows of the hardware that the guest has now, and no network card, because it is told nothing of
 * networks.
 * @param overlays names in the folder of the disks, by the numbers of the disks
 */
export function v2vXml(vm: PlannedVm, overlays: ReadonlyMap<number, string>, variables: string | null): string {
  const disks = new Map([...overlays].map(([number, name]) => [number, `${v2vDisks}/${name}`]));
  return domainXml({ ...vm, cards: [], agent: false }, { disks, variables }, true);
}
