import type { VmConfig } from '../schemas/types.ts';
import type { MachineNetwork, NetworkModel } from './machine.ts';
import { shortText } from './short-text.ts';

const models: readonly (readonly [RegExp, NetworkModel])[] = [
  [/vmxnet3/i, 'vmxnet3'],
  [/e1000e$/i, 'e1000e'],
  [/e1000$/i, 'e1000'],
  [/pcnet32/i, 'pcnet'],
];

/** More than any VM has: vSphere allows ten. */
const mostCards = 16;
const longestName = 255;

/**
 * The network cards.
 * @param notes gets what is not as it was
 * @param areReplaced whether the VM gets cards of another model anyway
 */
export function networksOf(saved: VmConfig['networks'], notes: string[], areReplaced = false): MachineNetwork[] {
  if (saved.length > mostCards) notes.push(`it has the first ${mostCards} of its ${saved.length} network cards`);
  return saved.slice(0, mostCards).map(({ type, mac, network, connected, start_connected: atStart }, index) => {
    const model = models.find(([pattern]) => pattern.test(type))?.[1];
    if (model === undefined && !areReplaced)
      notes.push(`its network card ${index + 1} was a ${shortText(type)} and is an e1000`);
    return {
      model: model ?? 'e1000',
      mac: macOf(mac),
      network: nameOf(network),
      connected: atStart ?? connected ?? false,
    };
  });
}

/** Of one card: the lowest bit of the first byte is of groups. */
function macOf(saved: string | null): string | null {
  const mac = saved?.toLowerCase() ?? '';
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac) || mac === '00:00:00:00:00:00') return null;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 ? mac : null;
}

const nameOf = (saved: string | null): string | null =>
  saved !== null && saved !== '' && saved.length <= longestName && !/[\p{C}\p{Zl}\p{Zp}]/u.test(saved) ? saved : null;
