import type { AttachedDisk, AttachedOutput, DetachOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable } from '../text.ts';

/** disk-1 of pgtest1 (20261120T020000Z-4f2a) */
export const attachedTitle = ({ disk, of, point, label }: AttachedDisk): string =>
  disk === null
    ? `${printable(label ?? 'a disk')} with a mark that cannot be read`
    : `${disk} of ${printable(of ?? '')} (${point ?? ''})`;

/** One line a disk, and what speaks against detaching it. */
export function attachedReport({ disks, source }: AttachedOutput, { style, columns }: SummaryOptions): string[] {
  if (disks.length === 0) return [`no disk of a restore point is attached to a VM of ${printable(source)}`];
  const table = foldedTable(
    [
      ['VM', 'DISK', 'OF', 'RESTORE POINT', 'AT', 'SIZE', 'SINCE'].map(style.bold),
      ...disks.map((one) => [
        printable(one.vm),
        one.disk ?? '?',
        printable(one.of ?? '?'),
        one.point ?? '?',
        one.address ?? 'gone',
        one.capacity_bytes === null ? '' : formatBytes(one.capacity_bytes),
        one.attached === null ? '' : formatTime(one.attached),
      ]),
    ],
    columns,
    [5],
  ).flat();
  const problems = disks.flatMap((one) =>
    one.problem === null
      ? []
      : labelled(
          `${style.symbols.warning} `,
          printable(`${attachedTitle(one)}, on ${one.vm}: ${one.problem}. \`detach\` leaves it alone.`),
          columns,
        ).map(style.yellow),
  );
  return problems.length === 0 ? table : [...table, '', ...problems];
}

/** What became of them. */
export const detachReport = ({ removed, forgotten }: DetachOutput, { style }: SummaryOptions): string[] => [
  ...removed.map(
    (one) =>
      `${style.green(style.symbols.done)} ${attachedTitle(one)} is detached from ${printable(one.vm)}; ${printable(one.file ?? 'its file')} is removed`,
  ),
  ...forgotten.map(
    (one) =>
      `${style.yellow(style.symbols.warning)} ${attachedTitle(one)}: its mark on ${printable(one.vm)} is gone; ${printable(one.file ?? 'its file')} stays`,
  ),
  ...(removed.length + forgotten.length === 0 ? ['it was detached already'] : []),
];
