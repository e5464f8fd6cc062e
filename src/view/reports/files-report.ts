import type { FilesEntry, FilesMountsOutput, FilesOutput, FilesStatOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, labelled, printable, table } from '../text.ts';

type Volume = FilesOutput['volumes'][number];

/** It leaves nothing out. */
const bestReader = 'uml';

/** The volumes of a restore point. */
export function filesReport(files: FilesOutput, { style, columns }: SummaryOptions): string[] {
  const head = `${printable(files.vm)}  ${files.backup_id}  ${formatTime(files.created)}`;
  const rows = table(
    [
      ['VOLUME', 'TYPE', 'SIZE', 'USED', 'LABEL', 'STATE'],
      ...files.volumes.map((volume) => [
        printable(volume.id),
        printable(volume.type ?? '-'),
        formatBytes(volume.bytes),
        volume.used === null ? '-' : formatBytes(volume.used),
        printable(volume.label ?? '-'),
        stateOf(volume),
      ]),
    ],
    [2, 3],
  );
  const [titles = '', ...lines] = rows;
  const notes = files.volumes.flatMap(({ id, notes: own }) =>
    own.map((note) => `${printable(id)}: ${printable(note)}`),
  );
  const reader = files.reader === bestReader ? [] : [`read by \`${printable(files.reader)}\`: see \`files doctor\``];
  return [
    ...fit(head, columns),
    ...reader.flatMap((line) => fit(line, columns)).map(style.yellow),
    ...(files.remark === null ? [] : fit(printable(files.remark), columns).map(style.yellow)),
    '',
    ...(files.volumes.length === 0 ? ['no volumes'] : [style.bold(titles), ...lines]),
    ...notes.flatMap((note) => fit(note, columns)).map(style.yellow),
  ];
}

/** What the state alone does not say stands behind it. */
function stateOf({ state, why, journal }: Volume): string {
  if (why !== null) return state === 'damaged' ? `damaged: ${printable(why)}` : printable(why);
  return journal === 'replayed'
    ? 'readable, journal replayed'
    : journal === 'skipped'
      ? 'readable, journal skipped'
      : state;
}

/** The names of a folder; with `long` what `ls -l` shows. */
export function filesListReport(entries: readonly FilesEntry[], long: boolean, { style }: SummaryOptions): string[] {
  if (!long) return entries.map((entry) => entryText(entry, style));
  const rows = table(
    entries.map((entry) => [...longCells(entry), '']),
    [1, 2, 3, 4],
  );
  return entries.map((entry, at) => `${(rows[at] ?? '').trimEnd()}  ${entryText(entry, style)}`);
}

/** A name, a folder's with a slash, a link's with where it leads. */
export function entryText({ name, type, target }: FilesEntry, style: SummaryOptions['style']): string {
  const text = `${name}${type === 'folder' ? '/' : ''}`;
  const coloured = type === 'folder' ? style.bold(text) : type === 'link' ? style.cyan(text) : text;
  return target === null ? coloured : `${coloured} -> ${target}`;
}

const longCells = (entry: FilesEntry): string[] => [
  modeText(entry),
  String(entry.links),
  String(entry.uid),
  String(entry.gid),
  entry.device ?? String(entry.size),
  timeText(entry.mtime_ns),
];

/** As a line of `ls -l` begins, for lines that come one by one. */
export function longText(entry: FilesEntry): string {
  const widths = [10, 2, 5, 5, 12, 0];
  return longCells(entry)
    .map((cell, at) => (at === 0 ? cell : cell.padStart(widths[at] ?? 0)))
    .join('  ');
}

/** The restore points that are open. */
export function filesMountsReport({ mounts }: FilesMountsOutput, { style }: SummaryOptions): string[] {
  if (mounts.length === 0) return ['no restore point is open'];
  const [titles = '', ...lines] = table([
    ['VM', 'RESTORE POINT', 'REPOSITORY', 'OPEN SINCE', 'ENDS'],
    ...mounts.map((mount) => [
      printable(mount.vm),
      printable(mount.backup_id),
      printable(mount.repository),
      formatTime(mount.opened),
      formatTime(mount.expires),
    ]),
  ]);
  return [style.bold(titles), ...lines];
}

/** All that is known of one file. */
export function filesStatReport(
  { volume, path, entry, xattrs }: FilesStatOutput,
  { columns }: SummaryOptions,
): string[] {
  const facts: [string, string][] = [
    ['file', `${printable(volume)}:${path}`],
    [
      'type',
      entry.type === 'link'
        ? `link to ${entry.target}`
        : entry.device === null
          ? entry.type
          : `${entry.type} ${entry.device}`,
    ],
    ['size', `${entry.size} bytes, ${entry.allocated} on the disk`],
    ['mode', `${entry.mode}  ${modeText(entry)}`],
    ['owner', `${entry.uid}:${entry.gid}`],
    ['links', `${entry.links}, inode ${entry.inode}`],
    ['changed', timeText(entry.mtime_ns, true)],
    ['inode changed', timeText(entry.ctime_ns, true)],
    ['read', timeText(entry.atime_ns, true)],
    ...xattrs.map(({ name, value }): [string, string] => ['attribute', `${printable(name)} ${value} (base64)`]),
  ];
  return facts.flatMap(([name, value]) => labelled(`${name.padEnd(15)}`, value, columns));
}

const letters: Readonly<Record<FilesEntry['type'], string>> = {
  file: '-',
  folder: 'd',
  link: 'l',
  fifo: 'p',
  socket: 's',
  char: 'c',
  block: 'b',
  unknown: '?',
};

/** As `ls -l` writes it: `-rwsr-x---`. */
export function modeText({ type, mode }: Pick<FilesEntry, 'type' | 'mode'>): string {
  const bits = Number.parseInt(mode, 8);
  const group = (shift: number, special: number, letter: string): string => {
    const own = (bits >> shift) & 7;
    const executes = (own & 1) !== 0;
    const last = (bits & special) === 0 ? (executes ? 'x' : '-') : executes ? letter : letter.toUpperCase();
    return `${(own & 4) === 0 ? '-' : 'r'}${(own & 2) === 0 ? '-' : 'w'}${last}`;
  };
  return `${letters[type]}${group(6, 0o4000, 's')}${group(3, 0o2000, 's')}${group(0, 0o1000, 't')}`;
}

/** Local time; `exact` with nanoseconds, in UTC. Beyond what a Date can say: seconds since 1970. */
export function timeText(ns: string, exact = false): string {
  const value = BigInt(ns);
  const second = 1_000_000_000n;
  const part = ((value % second) + second) % second;
  const ms = Number((value - part) / 1_000_000n);
  if (Math.abs(ms) > 8.64e15) return `${(value - part) / second} s`;
  if (!exact) return formatTime(ms);
  return `${new Date(ms).toISOString().slice(0, -5)}.${String(part).padStart(9, '0')}Z`;
}
