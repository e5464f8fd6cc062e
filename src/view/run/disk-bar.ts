import { formatRate } from '../format.ts';
import type { Style } from '../style.ts';
import { padEnd, padStart, widthOf } from '../text.ts';
import { bytesOf, percentOf, timeLeft, type DiskProgressLine } from './disk-figures.ts';

/** One line a disk: name, phase, bar, percentage, bytes, rate and time left; what does not fit is left out. */
export function diskBars(disks: readonly DiskProgressLine[], columns: number, style: Style): string[] {
  const nameWidth = Math.max(...disks.map(({ disk }) => widthOf(disk)), 0);
  const phaseWidth = Math.max(...disks.map(({ phase }) => phase.length), 0);
  return disks.map((disk) => {
    const head = `${padEnd(disk.disk, nameWidth)}  ${style.dim(padEnd(disk.phase, phaseWidth))}  `;
    // Nothing is known yet, or there is nothing to do.
    const percent = padStart(
      disk.bytes_total > 0 || !/waiting|opening|preparing|failed|cancelled/.test(disk.phase)
        ? `${percentOf(disk)} %`
        : '',
      5,
    );
    const bytes = padStart(disk.bytes_total > 0 ? bytesOf(disk) : '', 18);
    const rate = padStart(disk.rate > 0 ? formatRate(disk.rate) : '', 10);
    const left = padStart(timeLeft(disk), 7);
    const room = columns - nameWidth - phaseWidth - 4;
    const columnsWanted = [percent, bytes, rate, left];
    while (columnsWanted.length > 1 && room - columnsWanted.join(' ').length - 1 < 8) columnsWanted.splice(1, 1);
    const width = Math.min(40, room - columnsWanted.join(' ').length - 1);
    return `${head}${width >= 4 ? `${bar(disk, width, style)} ` : ''}${columnsWanted.join(' ')}`;
  });
}

function bar(disk: DiskProgressLine, width: number, style: Style): string {
  const { full, empty } = style.symbols;
  const filled = Math.floor((percentOf(disk) / 100) * width);
  return style.cyan(full.repeat(filled)) + style.dim(empty.repeat(width - filled));
}
