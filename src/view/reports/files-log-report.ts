import type { FilesLogOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, foldedTable, printable } from '../text.ts';

type Read = FilesLogOutput['reads'][number];

/** Who read which files, the newest last. */
export function filesLogReport({ reads, more }: FilesLogOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (reads.length === 0) return ['nobody has read files of restore points'];
  const older = more ? fit('there are older ones: --limit and --since show more', columns).map(style.dim) : [];
  const rows = foldedTable(
    [
      ['WHEN', 'WHO', 'WHAT', 'VM', 'RESTORE POINT', 'PLACE', 'READ', 'RESULT'].map(style.bold),
      ...reads.map((read) => [
        formatTime(read.at),
        printable(read.who),
        read.action,
        printable(read.vm),
        read.backup_id,
        placeOf(read),
        read.bytes === null ? '' : formatBytes(read.bytes),
        resultOf(read, style),
      ]),
    ],
    columns,
    [6],
  );
  return [...older, ...rows.flat()];
}

/** As the other commands take it. */
const placeOf = ({ volume, path }: Read): string =>
  volume === null ? '' : printable(path === null ? volume : `${volume}:${path}`);

const resultOf = ({ error, ended }: Read, style: SummaryOptions['style']): string =>
  error === null ? (ended === null ? style.cyan('goes on') : style.green('ok')) : style.red(error);
