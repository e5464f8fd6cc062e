import type { VmConfig } from '../../../schemas/types.ts';
import { labelOf, quoted, unfit } from './judge.ts';

export interface WantedCard {
  readonly key: number;
  readonly label: string;
  readonly type: string;
  /** Name of the network that it was connected to. */
  readonly network: string | null;
  readonly mac: string | null;
  readonly macType: string | null;
  readonly startConnected: boolean;
}

const types = new Set(['VirtualVmxnet3', 'VirtualVmxnet2', 'VirtualE1000', 'VirtualE1000e', 'VirtualPCNet32']);
const macForm = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

export function wantedCards(networks: VmConfig['networks']): WantedCard[] {
  return networks.map(({ key, label, type, network, mac, mac_type, start_connected }) => {
    if (!types.has(type))
      throw unfit(`the network adapter ${quoted(label)} is of a kind (${quoted(type)}) that cannot be made`);
    const address = mac?.toLowerCase() ?? null;
    if (address !== null && !macForm.test(address))
      throw unfit(`the network adapter ${quoted(label)} has no MAC address that there is: ${quoted(mac ?? '')}`);
    return {
      key,
      label: labelOf(label),
      type,
      network,
      mac: address,
      macType: mac_type,
      startConnected: start_connected !== false,
    };
  });
}

/**
 * How vSphere keeps an address. It gives 00:50:56:80 to bf itself (`assigned`); 00:50:56:00 to 3f and those of other makers are
 * `manual`; of all others, such as 00:0c:29, ESXi says at the start of the VM that they are reserved, unless it is told not to
 * check (VMware, "Static MAC Addresses in VMware OUI" and "VMware OUI Allocation").
 */
export function keptAddress(mac: string): { readonly type: 'assigned' | 'manual'; readonly unchecked: boolean } {
  if (/^00:50:56:[89ab]/.test(mac)) return { type: 'assigned', unchecked: false };
  const isReserved = mac.startsWith('00:0c:29:') || /^00:50:56:[c-f4-7]/.test(mac);
  return { type: 'manual', unchecked: isReserved };
}
