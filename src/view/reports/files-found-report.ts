import type {
  FilesDifferenceOutput,
  FilesFoundOutput,
  FilesHistoryOutput,
  FilesTakenOutput,
} from '../../schemas/types.ts';
import { formatBytes, formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { printable } from '../text.ts';
import { longText, timeText } from './files-report.ts';

/** A file that was found: its place as other commands take it; with `long` what `ls -l` shows before it. */
export function filesFoundReport(
  { volume, path, entry }: FilesFoundOutput,
  long: boolean,
  { style }: SummaryOptions,
): string[] {
  const place = `${printable(volume)}:${path}`;
  const shown = entry.type === 'folder' ? style.bold(place) : entry.type === 'link' ? style.cyan(place) : place;
  const target = entry.target === null || !long ? '' : ` -> ${entry.target}`;
  return [`${long ? `${longText(entry)}  ` : ''}${shown}${target}`];
}

/** In which restore points a file is, and which versions it had. */
export function filesHistoryReport(file: FilesHistoryOutput, { style }: SummaryOptions): string[] {
  const { points, of } = file;
  const last = points.at(-1) ?? '';
  return [
    style.bold(`${printable(file.volume)}:${file.path}`),
    `  in ${points.length} of ${plural(of, 'restore point')}, last in ${last} of ${formatTime(file.last_created)}`,
    ...file.versions.map(({ type, size, mtime_ns: changed, first, last: end, points: count }) => {
      const where = count === 1 ? first : `${first} to ${end}, ${count} restore points`;
      return `  ${type === 'file' ? formatBytes(size) : type}, changed ${timeText(changed)}: ${where}`;
    }),
  ];
}

const signs: Readonly<Record<FilesDifferenceOutput['change'], string>> = {
  added: '+',
  removed: '-',
  changed: '*',
  metadata: '.',
};

/** A difference, in one line. */
export function filesDifferenceReport(
  { change, volume, path, what, before, after }: FilesDifferenceOutput,
  { style }: SummaryOptions,
): string[] {
  const folder = (after ?? before)?.type === 'folder' ? '/' : '';
  const line = `${signs[change]} ${printable(volume)}:${path}${folder}`;
  const coloured = change === 'added' ? style.green(line) : change === 'removed' ? style.red(line) : line;
  return [what.length === 0 ? coloured : `${coloured}  ${style.dim(`(${what.join(', ')})`)}`];
}

/** Below all of them. `same`: no block of any disk differs; `skipped`: volumes of which none does. */
export function filesDifferencesEnd(
  counts: Readonly<Record<FilesDifferenceOutput['change'], number>>,
  { same = false, skipped = [] }: { readonly same?: boolean; readonly skipped?: readonly string[] } = {},
): string {
  const found = Object.values(counts).every((count) => count === 0)
    ? 'no differences'
    : `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed, ${counts.metadata} with other metadata only`;
  if (same) return `${found}: all blocks of the disks are the same`;
  return skipped.length === 0 ? found : `${found}; no block differs in ${skipped.map(printable).join(', ')}`;
}

/** What was taken out, and where it is. */
export const filesTakenReport = ({ taken, bytes }: FilesTakenOutput): string[] => [
  ...taken.map(({ volume, path, to }) => `${printable(volume)}:${path} -> ${printable(to)}`),
  `${plural(taken.length, 'file or folder', 'files or folders')}, ${formatBytes(bytes)} read`,
];
