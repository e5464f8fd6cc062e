import type { RestorePointOutput, ShowOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { sharedNames } from '../shared-names.ts';
import { formatBytes, formatTime, plural, ratioText } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { sentBytes } from '../run/sent-bytes.ts';
import { verifiedLines } from './verified-text.ts';
import { command, fit, fitted, flow, foldedTable, printable, shellWord, shortened, widthOf } from '../text.ts';

export interface ShowOptions extends SummaryOptions {
  /** Other repositories have the VM, too. */
  readonly several?: boolean;
}

/**
 * A VM's chains as trees, oldest first. A chain goes straight down; where two restore points have the same parent it
 * branches to the right.
 */
export function showReport(output: ShowOutput, options: ShowOptions): string[] {
  const { style, columns } = options;
  const points = output.points;
  const vm = printable(output.vm);
  const known = new Set(points.map((point) => point.backup_id));
  const roots = points.filter(({ parent }) => parent === null || !known.has(parent));
  const stored = points.reduce((sum, point) => sum + point.file_bytes, 0);
  // They come in their order, whatever their times say.
  const newest = points.findLast(({ kept }) => !kept) ?? points.at(-1);
  const wanted = output.selected ?? newest?.backup_id ?? 'latest';
  const [title = '', ...more] = fit(
    `${vm} in repository ${output.repository}: ${plural(points.length, 'restore point')} in ${plural(roots.length, 'chain')}, ${formatBytes(stored)}`,
    columns,
  );
  const from = options.several ? [`--repository ${shellWord(output.repository)}`] : [];
  const restore = ['sendense-run', 'restore', shellWord(vm), ...from, `--point ${wanted}`, '--to DIRECTORY'];
  return [
    title.replace(vm, style.bold),
    ...more,
    ...sharedNames(points)
      .flatMap((line) => fit(line, columns))
      .map(style.yellow),
    ...(output.why == null ? [] : fit(`${output.selected} is ${output.why}`, columns)),
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
    ...markLines(point, below, options),
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
      `${storedText(point)}${warnings.length > 0 ? ',' : ''}`,
      ...warnings,
      ...(point.broken ? [style.alarm(' BROKEN ')] : []),
      ...(selected ? [style.green(' < this one')] : []),
    ],
    width,
  );
}

/** What it takes on the disk, where that was looked up; files have holes. */
const storedText = ({ file_bytes: length, held_bytes: held }: RestorePointOutput): string =>
  held === undefined ? `${formatBytes(length)} stored` : `${formatBytes(held)} on disk`;

function markLines(point: RestorePointOutput, prefix: string, { style, columns }: SummaryOptions): string[] {
  const lines = (text: string): string[] => fit(printable(text), Math.max(20, columns - widthOf(prefix)));
  const { broken, protected: kept } = point;
  const keptText =
    kept &&
    `protected by ${kept.by}${kept.until === null ? '' : ` until ${formatTime(kept.until)}`}${kept.reason === '' ? '' : `: ${kept.reason}`}`;
  return [
    ...(broken ? lines(`broken since ${formatTime(broken.since)}: ${broken.reason}`).map(style.red) : []),
    ...(point.kept ? lines(keptFromText(point.kept)).map(style.dim) : []),
    ...(point.before_restore == null ? [] : lines(beforeText(point.before_restore)).map(style.dim)),
    ...(point.used_by ?? []).flatMap((use) => lines(useText(use)).map(style.green)),
    ...(keptText ? lines(keptText).map(style.green) : []),
    ...verifiedLines(point).flatMap(({ text, ok }) => lines(text).map(ok ? style.dim : style.red)),
  ].map((line) => `${prefix}${line}`);
}

const useText = ({ boot, host, since, by }: NonNullable<RestorePointOutput['used_by']>[number]): string =>
  `in use: ${boot} of host ${host} runs from it, or may be started again; ${by} started it, ${formatTime(since)}`;

/** `latest` never means it. */
const beforeText = (restored: string): string =>
  `safety backup: the VM as it was before ${restored} was restored in place`;

/** No backup is built on it, and only its id means it. */
const keptFromText = ({ boot, of, guest }: NonNullable<RestorePointOutput['kept']>): string =>
  `side branch: \`boot keep\` made it of what the guest of ${boot} wrote on ${of}; ${guest === 'off' ? 'the VM was off' : 'the guest was paused, as at a power cut'}`;

/** What is to be known of the VM beside its disks. */
function vmLines(point: RestorePointOutput, prefix: string, { style, columns }: SummaryOptions): string[] {
  const { identity, not_protected: missing = [], snapshot, vm_config: config } = point;
  const lines = (text: string): string[] => fit(printable(text), Math.max(20, columns - widthOf(prefix)));
  const snapshotText =
    snapshot &&
    `snapshot ${snapshot.quiesced ? 'quiesced' : 'not quiesced'}${snapshot.note ? ` (${snapshot.note})` : ''}, read by ${snapshot.transport}: ${snapshot.transport_reason}`;
  return [
    ...missing.flatMap(({ label, reason }) => lines(`${label} is NOT PROTECTED: ${reason}`).map(style.yellow)),
    ...(snapshotText ? lines(snapshotText).map(style.dim) : []),
    ...(identity ? lines(`VM ${identity}`).map(style.dim) : []),
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
      `${formatBytes(sentBytes(disk))} sent`,
      `${formatBytes(disk.file_bytes)} stored${ratioText(disk.file_bytes, disk.plain_bytes ?? null)}`,
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
      ...(disk.key_id === undefined ? [] : fit(`encrypted with key ${disk.key_id}`, room)),
    ].map((line) => `${inner}${style.dim(line)}`),
  ]);
}
