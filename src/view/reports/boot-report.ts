import type { BootOutput, BootsOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime } from '../format.ts';
import type { Style } from '../style.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable } from '../text.ts';

const stateText = ({ state, why }: BootOutput, style: Style): string => {
  const text = why === null ? state : `${state}: ${printable(why)}`;
  if (state === 'running') return why === null ? style.green(text) : style.yellow(text);
  return state === 'paused' || state === 'failed' || state === 'unknown' ? style.yellow(text) : text;
};

/** One line a VM. */
export function bootsReport({ boots }: BootsOutput, { style, columns }: SummaryOptions): string[] {
  if (boots.length === 0) return ['no VM runs from a restore point'];
  return foldedTable(
    [
      ['ID', 'VM', 'STATE', 'WRITTEN', 'REPOSITORY', 'SINCE'].map(style.bold),
      ...boots.map((boot) => [
        boot.id,
        printable(boot.vm),
        stateText(boot, style),
        formatBytes(boot.written_bytes),
        boot.needs_repository ? boot.repository : 'not needed',
        formatTime(boot.started),
      ]),
    ],
    columns,
    [3],
  ).flat();
}

/** All that is known of one. */
export function bootReport(boot: BootOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const line = (label: string, text: string): string[] => labelled(`  ${label.padEnd(10)}`, text, columns);
  const { cpus, memory_bytes: memory, free_bytes: free } = boot;
  return [
    `${style.bold(boot.id)}  ${printable(boot.vm)}  ${stateText(boot, style)}`,
    '',
    ...line('point', `${boot.backup_id}${boot.created === null ? '' : `, of ${formatTime(boot.created)}`}`),
    ...(cpus === null || memory === null
      ? []
      : line('machine', `${cpus} CPU, ${formatBytes(memory)}, ${boot.firmware ?? ''}, ${boot.accel ?? ''}`)),
    ...line('network', boot.network),
    ...line('written', `${formatBytes(boot.written_bytes)}${free === null ? '' : `; ${formatBytes(free)} free`}`),
    ...line('folder', printable(boot.folder)),
    ...(boot.vnc === null ? [] : line('screen', `VNC at ${printable(boot.vnc)}`)),
    ...boot.disks.flatMap(({ disk, capacity_bytes: capacity, file }) =>
      line(disk, `${formatBytes(capacity)}, ${printable(file)}`),
    ),
    ...moveLines(boot, line),
    ...boot.notes.flatMap((note) => line('note', printable(note))).map(style.yellow),
  ];
}

function moveLines({ move }: BootOutput, line: (label: string, text: string) => string[]): string[] {
  if (move === null) return [];
  const { directory, done, copied_bytes: copied, total_bytes: total } = move;
  const far = done ? 'done, to' : `${formatBytes(copied)} of ${formatBytes(total)}, to`;
  return line('move', `${far} ${printable(directory)}`);
}

/** What `boot move` says in the end. */
export function movedReport(boot: BootOutput, { style, columns }: SummaryOptions): string[] {
  const { move, id } = boot;
  if (move === null) return [];
  const text = move.done
    ? `all data of ${id} is in ${printable(move.directory)}; the VM goes on, and needs the repository no more`
    : `the data of ${id} moves to ${printable(move.directory)}; \`sendense-run boot status ${id}\` shows how far it is`;
  return labelled(`${move.done ? style.green(style.symbols.done) : style.symbols.dot} `, text, columns);
}
