import type { RestorePointOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { sharedNames } from '../shared-names.ts';
import { fit, foldedTable, printable, table, widest } from '../text.ts';
import { verifiedText } from './verified-text.ts';

/** What a line shows; of the disks only how many they are. */
type ListLine = Pick<
  RestorePointOutput,
  | 'vm'
  | 'repository'
  | 'identity'
  | 'backup_id'
  | 'kind'
  | 'created'
  | 'file_bytes'
  | 'chain_length'
  | 'kept'
  | 'protected'
  | 'broken'
  | 'used_by'
  | 'before_restore'
  | 'verifications'
> & { readonly disks: { readonly length: number } };

/** A restore point of a rescue that could not be read in; without an id all of the VM. */
interface LeftOut {
  readonly context: string;
  readonly backupId: string | null;
  readonly reason: string;
}

const leftOutLine = ({ context, backupId, reason }: LeftOut): string =>
  printable(`${context} ${backupId ?? ''}`.trim() + ` BROKEN: ${reason}`);

/** One line a restore point. Where that is too wide for the terminal, VM and repository stand above their points. */
export function listReport(
  {
    points,
    leftOut = [],
  }: { readonly version?: 1; readonly points: readonly ListLine[]; readonly leftOut?: readonly LeftOut[] },
  vm: string | undefined,
  options: SummaryOptions,
): string[] {
  const { style, columns } = options;
  const broken = leftOut.flatMap((point) => fit(leftOutLine(point), columns)).map(style.yellow);
  if (points.length === 0 && broken.length > 0) return broken;
  if (points.length === 0)
    return fit(vm === undefined ? 'no restore points yet' : `no restore points of VM ${printable(vm)}`, columns);
  const several = new Set(points.map(({ repository }) => repository)).size > 1;
  const more = columnsOf(points);
  const rows = table(
    [
      ['VM', ...heads, ...more.map(({ title }) => title), ...(several ? ['REPOSITORY'] : [])],
      ...points.map((point) => [printable(point.vm), ...cellsOf(point, more), ...(several ? [point.repository] : [])]),
    ],
    [4, 5, 6],
  );
  const [head = '', ...lines] = rows;
  const stored = formatBytes(points.reduce((sum, point) => sum + point.file_bytes, 0));
  const total = `${plural(points.length, 'restore point')} of ${plural(new Set(points.map((point) => point.vm)).size, 'VM')}, ${stored}`;
  const body = widest(rows) <= columns ? [style.bold(head), ...lines] : byVm(points, several, options);
  return [
    ...body,
    ...fit(total, columns).map(style.dim),
    ...broken,
    ...sharedNames(points)
      .flatMap((line) => fit(line, columns))
      .map(style.yellow),
  ];
}

const heads = ['RESTORE POINT', 'KIND', 'CREATED', 'STORED', 'DISKS', 'CHAIN'];

interface Column {
  readonly title: string;
  cell(point: ListLine): string;
}

/** Columns that are there where a point has something to say. */
const optional: readonly Column[] = [
  { title: 'VERIFIED', cell: verifiedText },
  { title: 'MARKS', cell: marksText },
];

const columnsOf = (points: readonly ListLine[]): Column[] =>
  optional.filter(({ cell }) => points.some((point) => cell(point) !== ''));

/** What somebody decided or found out about a point. */
export function marksText(
  point: Pick<RestorePointOutput, 'kept' | 'protected' | 'broken' | 'used_by' | 'before_restore'>,
): string {
  return [
    ...(point.broken ? ['BROKEN'] : []),
    ...(point.kept ? [`kept of ${point.kept.boot}`] : []),
    ...(point.before_restore == null ? [] : ['before a restore']),
    ...(point.used_by ?? []).map(({ boot }) => `in use by ${printable(boot)}`),
    ...(point.protected ? [`protected${untilText(point.protected.until)}`] : []),
  ].join(', ');
}

const untilText = (until: number | null): string => (until === null ? '' : ` until ${formatTime(until).slice(0, -3)}`);

const cellsOf = (point: ListLine, more: readonly Column[]): string[] => [
  point.backup_id,
  point.kind,
  formatTime(point.created),
  formatBytes(point.file_bytes),
  `${point.disks.length}`,
  `${point.chain_length}`,
  ...more.map(({ cell }) => cell(point)),
];

/** Without the VM in each line, and times without seconds: 80 columns are enough. */
function byVm(points: readonly ListLine[], several: boolean, { style, columns }: SummaryOptions): string[] {
  const groups = [...Map.groupBy(points, ({ vm, repository }) => JSON.stringify([vm, repository])).values()];
  const more = columnsOf(points);
  const [head = [], ...rows] = foldedTable(
    [
      [...heads, ...more.map(({ title }) => title)],
      ...groups
        .flat()
        .map((point) => cellsOf(point, more).map((cell, index) => (index === 2 ? cell.slice(0, -3) : cell))),
    ],
    columns,
    [3, 4, 5],
  );
  let next = 0;
  const lines = groups.flatMap((group) => {
    const title = `${printable(group[0]?.vm ?? '')}${several ? ` in repository ${group[0]?.repository}` : ''}`;
    const below = rows.slice(next, (next += group.length)).flat();
    return [...fit(title, columns).map(style.cyan), ...below];
  });
  return [...head.map(style.bold), ...lines];
}
