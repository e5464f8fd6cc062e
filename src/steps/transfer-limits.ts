import type { BackupStartRequest, Limits, NodeTransferInput, Settings } from '../schemas/types.ts';

/** What plan and source allow a transfer, the lower of both, as the node gets it. */
export function tuningOf(input: NodeTransferInput, settings: Settings): NonNullable<BackupStartRequest['tuning']> {
  const own = (input.limits ?? {}) as Limits;
  const source = input.source.type === 'vsphere' ? settings.sources[input.source.name] : undefined;
  const its: Limits = (source?.type === 'vsphere' ? source.limits : undefined) ?? {};
  const lower = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined ? b : b === undefined ? a : Math.min(a, b);
  const rate = (key: 'diskRate' | 'jobRate'): number | undefined =>
    lower(bytesPerSecond(own[key]), bytesPerSecond(its[key]));
  const set = <K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> =>
    value === undefined ? {} : ({ [key]: value } as Partial<Record<K, number>>);
  return {
    connections: 4,
    requests: 64,
    ...set('disks_at_once', lower(own.disksAtOnce, its.disksAtOnce)),
    ...set('disk_rate', rate('diskRate')),
    ...set('job_rate', rate('jobRate')),
  };
}

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `50MiB` -> 52428800. The schema allows no other form. */
export const bytesPerSecond = (rate: string | undefined): number | undefined =>
  rate === undefined ? undefined : Number.parseInt(rate, 10) * (units[rate.replace(/^[0-9]+/, '')] ?? 1);
