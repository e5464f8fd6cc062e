import { parseDuration } from '../../time/duration.ts';
import type { BackupStartRequest, Limits, NodeTransferInput, Settings, Transfer } from '../../schemas/types.ts';
import { kindOf, settingsOf } from '../../sources/index.ts';

/** What plan and source allow a transfer, the lower of both, as the node gets it. */
export function tuningOf(
  input: NodeTransferInput,
  settings: Settings,
  reconnectSeconds: number,
): NonNullable<BackupStartRequest['tuning']> {
  const own = (input.limits ?? {}) as Limits;
  const source = settingsOf(input.source, settings);
  const its: Limits = source ? kindOf(source).limits(source) : {};
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
    ...set('reconnect_seconds', reconnectSeconds === 0 ? undefined : reconnectSeconds),
  };
}

const longestSeconds = 86_400;

/**
 * How long a break of the link to a node may last, s: as the plan says, else as sendense.yaml says, else a minute. There is no
 * link to an embedded node, and what sendense.yaml says of all nodes is not meant for it.
 */
export function reconnectSecondsOf(
  input: Pick<NodeTransferInput, 'transfer'>,
  settings: Settings,
  isEmbedded: boolean,
): number {
  const own = ((input.transfer ?? {}) as Transfer).reconnect;
  const said = own ?? (isEmbedded ? '0s' : (settings.transfer.reconnect ?? '60s'));
  return Math.min(longestSeconds, Math.ceil(parseDuration(said) / 1000));
}

/** How long the hub waits for a node that does not answer, s: the copy may go on meanwhile. */
export const patienceSecondsOf = (reconnectSeconds: number): number =>
  reconnectSeconds === 0 ? 60 : reconnectSeconds + 30;

/** After how many s without a question of the hub the node gives the job up; the hub has given it up by then. */
export const leaseSecondsOf = (reconnectSeconds: number): number => Math.max(120, 2 * reconnectSeconds);

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `50MiB` -> 52428800. The schema allows no other form. */
export const bytesPerSecond = (rate: string | undefined): number | undefined =>
  rate === undefined ? undefined : Number.parseInt(rate, 10) * (units[rate.replace(/^[0-9]+/, '')] ?? 1);
