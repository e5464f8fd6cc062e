import { SendenseError } from '../../errors/sendense-error.ts';
import type { Machine, MachineNetwork, NetworkModel } from '../../machines/machine.ts';
import { shortText } from '../../machines/short-text.ts';
import type { ToOf } from '../target-kind.ts';
import { newMac } from './kvm-claim.ts';

/** Where a network card goes: a network of libvirt, a bridge of this machine, the NAT of QEMU; null: nowhere. */
export type CardNetwork =
  | { readonly kind: 'network' | 'bridge'; readonly name: string }
  | { readonly kind: 'user' }
  | null;

/** As QEMU calls it. */
export type CardModel = NetworkModel | 'virtio-net-pci';

export interface Card {
  readonly model: CardModel;
  readonly mac: string;
  readonly to: CardNetwork;
  readonly connected: boolean;
}

type To = Pick<ToOf<'kvm'>, 'network' | 'connect' | 'mac'>;

/**
 * The network cards of the new VM.
 * @throws SendenseError `target.unfit` where it is not said where a card goes that is connected, or where a network of vSphere is named that
 *   no card was in
 */
export function cardsOf({ networks }: Machine, to: To, runId: string): Card[] {
  assertKnown(networks, to.network);
  return networks.map(({ model, mac, network }, index) => {
    const place = networkOf(to.network, network);
    if (to.connect && place === null)
      throw unfit(
        `it is not said to which network card ${index + 1} is connected${network === null ? '' : `, which was in ${shortText(network)}`}`,
      );
    return {
      model,
      mac: to.mac === 'keep' && mac !== null ? mac : newMac(runId, index),
      to: place,
      connected: to.connect,
    };
  });
}

function assertKnown(networks: readonly MachineNetwork[], wanted: To['network']): void {
  if (wanted === undefined || typeof wanted === 'string') return;
  const known = new Set(networks.map(({ network }) => network));
  const stray = Object.keys(wanted).find((name) => !known.has(name));
  if (stray === undefined) return;
  const names = [...known].flatMap((name) => (name === null ? [] : [shortText(name)]));
  throw unfit(
    `no network card of the VM was in ${shortText(stray)}; ${names.length === 0 ? 'no network was saved' : `the networks are ${names.join(', ')}`}`,
  );
}

function networkOf(wanted: To['network'], saved: string | null): CardNetwork {
  const here =
    wanted === undefined || typeof wanted === 'string'
      ? wanted
      : saved !== null && Object.hasOwn(wanted, saved)
        ? wanted[saved]
        : undefined;
  if (here === undefined) return null;
  if (here === 'user') return { kind: 'user' };
  const bridge = /^bridge:(.+)$/.exec(here)?.[1];
  return bridge === undefined ? { kind: 'network', name: here } : { kind: 'bridge', name: bridge };
}

const unfit = (message: string): SendenseError =>
  new SendenseError('target.unfit', message, {
    remedy: 'Say where the cards go: `network: default`, or `network: { VM Network: default }` (--network).',
  });
