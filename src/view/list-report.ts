import type { ListOutput } from '../schemas/types.ts';
import { formatBytes, formatTime, plural } from './format.ts';
import type { SummaryOptions } from './run-summary.ts';
import { table } from './text.ts';

/** One line a restore point. */
export function listReport({ points }: ListOutput, vm: string | undefined, { style }: SummaryOptions): string[] {
  if (points.length === 0) return [vm === undefined ? 'no restore points yet' : `no restore points of VM ${vm}`];
  const several = new Set(points.map(({ repository }) => repository)).size > 1;
  const heads = [
    'VM',
    'RESTORE POINT',
    'KIND',
    'CREATED',
    'STORED',
    'DISKS',
    'CHAIN',
    ...(several ? ['REPOSITORY'] : []),
  ];
  const rows = points.map((point) => [
    point.vm,
    point.backup_id,
    point.kind,
    formatTime(point.created),
    formatBytes(point.file_bytes),
    `${point.disks.length}`,
    `${point.chain_length}`,
    ...(several ? [point.repository] : []),
  ]);
  const [head = '', ...lines] = table([heads, ...rows], [4, 5, 6]);
  const stored = formatBytes(points.reduce((sum, point) => sum + point.file_bytes, 0));
  const total = `${plural(points.length, 'restore point')} of ${plural(new Set(points.map((point) => point.vm)).size, 'VM')}, ${stored}`;
  return [style.bold(head), ...lines, style.dim(total)];
}
