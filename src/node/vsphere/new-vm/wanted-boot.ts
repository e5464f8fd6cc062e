import type { VmConfig } from '../../../schemas/types.ts';
import type { SoapArg, SoapObject } from '../encode-soap.ts';
import { isWhole } from './judge.ts';

type Boot = VmConfig['boot'];

/** What the firmware tries, in its order; keys are those of the saved configuration. */
export type BootDevice =
  | { readonly kind: 'disk' | 'ethernet'; readonly key: number }
  | { readonly kind: 'cdrom' | 'floppy' };

export interface WantedBoot {
  readonly delayMs: number | null;
  readonly retry: boolean | null;
  readonly retryDelayMs: number | null;
  readonly order: readonly BootDevice[];
}

const longestDelayMs = 10_000;

export function wantedBoot(boot: Boot, devices: ReadonlySet<number>, leftOut: string[]): WantedBoot {
  const order = boot.order.flatMap((text) => deviceOf(text) ?? []);
  const known = order.filter((one) => !('key' in one) || devices.has(one.key));
  if (known.length < boot.order.length) leftOut.push('the boot order, because of devices that the VM does not have');
  const delay = (ms: number | null): number | null => (ms !== null && isWhole(ms, 0, longestDelayMs) ? ms : null);
  return {
    delayMs: delay(boot.delay_ms),
    retry: boot.retry,
    retryDelayMs: delay(boot.retry_delay_ms),
    order: known.length < boot.order.length ? [] : known,
  };
}

function deviceOf(text: string): BootDevice | null {
  if (text === 'cdrom' || text === 'floppy') return { kind: text };
  const [, kind, key] = /^(disk|ethernet) (\d{1,9})$/.exec(text) ?? [];
  return kind === 'disk' || kind === 'ethernet' ? { kind, key: Number(key) } : null;
}

/**
 * VirtualMachineBootOptions, in the order of the WSDL.
 * @param keyOf the key of a device of the new VM
 */
export function bootOptions(
  boot: WantedBoot,
  secureBoot: boolean,
  keyOf: ((key: number) => number | undefined) | null,
): SoapObject | undefined {
  const fields: readonly SoapArg[] = [
    ['bootDelay', boot.delayMs ?? undefined],
    ['efiSecureBootEnabled', secureBoot || undefined],
    ['bootRetryEnabled', boot.retry ?? undefined],
    ['bootRetryDelay', boot.retryDelayMs ?? undefined],
    ['bootOrder', keyOf === null ? undefined : boot.order.map((device) => bootable(device, keyOf))],
  ];
  return fields.some(([, value]) => value !== undefined) ? { fields } : undefined;
}

const types = { disk: 'Disk', ethernet: 'Ethernet', cdrom: 'Cdrom', floppy: 'Floppy' } as const;

function bootable(device: BootDevice, keyOf: (key: number) => number | undefined): SoapObject {
  const xsiType = `VirtualMachineBootOptionsBootable${types[device.kind]}Device`;
  return { xsiType, fields: 'key' in device ? [['deviceKey', keyOf(device.key)]] : [] };
}
