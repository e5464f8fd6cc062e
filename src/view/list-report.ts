import type { ListOutput, RestorePointOutput } from '../schemas/types.ts';
import { formatBytes, formatTime, plural } from './format.ts';
import type { SummaryOptions } from './run-summary.ts';
import { fit, foldedTable, table, widest } from './text.ts';

/** One line a restore point. Where that is too wide for the terminal, VM and repository stand above their points. */
export function listReport({ points }: ListOutput, vm: string | undefined, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (points.length === 0)
    return fit(vm === undefined ? 'no restore points yet' : `no restore points of VM ${vm}`, columns);
  const several = new Set(points.map(({ repository }) => repository)).size > 1;
  const rows = table(
    [
      ['VM', ...heads, ...(several ? ['REPOSITORY'] : [])],
      ...points.map((point) => [point.vm, ...cellsOf(point), ...(several ? [point.repository] : [])]),
    ],
    [4, 5, 6],
  );
  const [head = '', ...lines] = rows;
  const stored = formatBytes(points.reduce((sum, point) => sum + point.file_bytes, 0));
  const total = `${plural(points.length, 'restore point')} of ${plural(new Set(points.map((point) => point.vm)).size, 'VM')}, ${stored}`;
  const body = widest(rows) <= columns ? [style.bold(head), ...lines] : byVm(points, several, options);
  return [...body, ...fit(total, columns).map(style.dim)];
}

const heads = ['RESTORE POINT', 'KIND', 'CREATED', 'STORED', 'DISKS', 'CHAIN'];

const cellsOf = (point: RestorePointOutput): string[] => [
  point.backup_id,
  point.kind,
  formatTime(point.created),
  formatBytes(point.file_bytes),
  `${point.disks.length}`,
  `${point.chain_length}`,
];

/** Without the VM in each line, and times without seconds: 80 columns are enough. */
function byVm(points: readonly RestorePointOutput[], several: boolean, { style, columns }: SummaryOptions): string[] {
  const groups = [...Map.groupBy(points, ({ vm, repository }) => JSON.stringify([vm, repository])).values()];
  const [head = [], ...rows] = foldedTable(
    [
      heads,
      ...groups.flat().map((point) => cellsOf(point).map((cell, index) => (index === 2 ? cell.slice(0, -3) : cell))),
    ],
    columns,
    [3, 4, 5],
  );
  let next = 0;
  const lines = groups.flatMap((group) => {
    const title = `${group[0]?.vm}${several ? ` in repository ${group[0]?.repository}` : ''}`;
    const below = rows.slice(next, (next += group.length)).flat();
    return [...fit(title, columns).map(style.cyan), ...below];
  });
  return [...head.map(style.bold), ...lines];
}
