import type { RestorePointOutput, ShowOutput } from '../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatBytes, formatTime, plural } from './format.ts';
import type { SummaryOptions } from './run-summary.ts';
import { command, fit, fitted, flow, foldedTable, printable, shortened, widthOf } from './text.ts';

/**
 * A VM's chains as trees, oldest first. A chain goes straight down; where two restore points have the same parent it
 * branches to the right.
 */
export function showReport(output: ShowOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const points = output.points;
  const known = new Set(points.map((point) => point.backup_id));
  const roots = points.filter(({ parent }) => parent === null || !known.has(parent));
  const stored = points.reduce((sum, point) => sum + point.file_bytes, 0);
  const newest = points.reduce<RestorePointOutput | undefined>(
    (last, point) => (last && last.created > point.created ? last : point),
    undefined,
  );
  const wanted = output.selected ?? newest?.backup_id ?? 'latest';
  const [title = '', ...more] = fit(
    `${output.vm} in repository ${output.repository}: ${plural(points.length, 'restore point')} in ${plural(roots.length, 'chain')}, ${formatBytes(stored)}`,
    columns,
  );
  const restore = ['sendense-run', 'restore', output.vm, `--point ${wanted}`, '--to DIRECTORY'];
  return [
    title.replace(output.vm, style.bold),
    ...more,
    ...roots.flatMap((root) => ['', ...branch(root, output, '', '', options)]),
    '',
    ...command('restore with ', restore.map(style.cyan), columns),
  ];
}

/** `lead` stands before its first line, `prefix` before the others. */
function branch(
  point: RestorePointOutput,
  output: ShowOutput,
  lead: string,
  prefix: string,
  options: SummaryOptions,
): string[] {
  const { style, columns } = options;
  const { branch: fork, trunk } = style.symbols;
  const children = output.points.filter(({ parent }) => parent === point.backup_id);
  const below = `${prefix}${style.dim(children.length > 0 ? trunk : '   ')}`;
  const [first = '', ...more] = head(point, output.selected === point.backup_id, columns - widthOf(below) - 3, options);
  return [
    `${lead}${first}`,
    ...more.map((line) => `${below}   ${line}`),
    ...diskLines(point, below, options),
    ...vmLines(point, below, options),
    ...children
      .slice(0, -1)
      .flatMap((child) =>
        branch(child, output, `${prefix}${style.dim(fork)}`, `${prefix}${style.dim(trunk)}`, options),
      ),
    ...children.slice(-1).flatMap((child) => branch(child, output, prefix, prefix, options)),
  ];
}

function head(point: RestorePointOutput, selected: boolean, width: number, { style }: SummaryOptions): string[] {
  const mark = point.kind === 'full' ? (style.unicode ? '◆' : '*') : style.unicode ? '◇' : 'o';
  const warnings = point.warnings.length > 0 ? [style.yellow(plural(point.warnings.length, 'warning'))] : [];
  return flow(
    [
      `${style.cyan(mark)}  ${style.bold(point.backup_id)} `,
      `${point.kind},`,
      `${formatTime(point.created)},`,
      `${formatBytes(point.file_bytes)} stored${warnings.length > 0 ? ',' : ''}`,
      ...warnings,
      ...(selected ? [style.green(' < this one')] : []),
    ],
    width,
  );
}

/** What is to be known of the VM beside its disks. */
function vmLines(point: RestorePointOutput, prefix: string, { style, columns }: SummaryOptions): string[] {
  const { not_protected: missing = [], snapshot, vm_config: config } = point;
  const lines = (text: string): string[] => fit(printable(text), Math.max(20, columns - widthOf(prefix)));
  const snapshotText =
    snapshot &&
    `snapshot ${snapshot.quiesced ? 'quiesced' : 'not quiesced'}${snapshot.note ? ` (${snapshot.note})` : ''}, read by ${snapshot.transport}: ${snapshot.transport_reason}`;
  return [
    ...missing.flatMap(({ label, reason }) => lines(`${label} is NOT PROTECTED: ${reason}`).map(style.yellow)),
    ...(snapshotText ? lines(snapshotText).map(style.dim) : []),
    ...(config ? lines(`VM configuration ${shortPath(config)}`).map(style.dim) : []),
  ].map((line) => `${prefix}${line}`);
}

function diskLines(point: RestorePointOutput, prefix: string, { style, columns }: SummaryOptions): string[] {
  const inner = `${prefix}    `;
  const room = Math.max(20, columns - widthOf(inner));
  const rows = foldedTable(
    point.disks.map((disk) => [
      style.cyan(disk.disk),
      disk.mode,
      `${formatBytes(disk.capacity_bytes)} disk`,
      `${formatBytes(disk.bytes_transferred)} sent`,
      `${formatBytes(disk.file_bytes)} stored`,
    ]),
    room,
    [2, 3, 4],
  );
  return point.disks.flatMap((disk, index) => [
    ...(rows[index] ?? []).map((line) => `${prefix}${line}`),
    ...[
      ...fit(printable(disk.reason), room),
      ...fitted('change id ', shortened(disk.change_id ?? 'none', Math.max(30, room - 10), style), room),
      ...fit(shortPath(disk.path), room),
    ].map((line) => `${inner}${style.dim(line)}`),
  ]);
}
