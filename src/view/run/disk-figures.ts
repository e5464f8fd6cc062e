import type { StepProgressEvent } from '../../schemas/types.ts';
import { formatBytes, formatTimeLeft } from '../format.ts';

/** How far a disk is. */
export type DiskProgressLine = StepProgressEvent['disks'][number];

/** 0-100; 100 only when all is done. */
export const percentOf = ({ bytes_done: done, bytes_total: total }: DiskProgressLine): number =>
  total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));

/** `1.2 / 2 GiB` */
export function bytesOf({ bytes_done: done, bytes_total: total }: DiskProgressLine): string {
  const whole = formatBytes(total);
  const part = formatBytes(done);
  const unit = whole.slice(whole.indexOf(' '));
  return part.endsWith(unit) ? `${part.slice(0, -unit.length)} / ${whole}` : `${part} / ${whole}`;
}

/** Time left of this phase, or nothing where it cannot be told. */
export function timeLeft({ bytes_done: done, bytes_total: total, rate }: DiskProgressLine): string {
  return rate > 0 && done < total ? formatTimeLeft(((total - done) / rate) * 1000) : '';
}
