import type { PrunedPoint, PruneOutput } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import { pruneCalendar } from './prune-calendar.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, fitted, printableText, table, widthOf } from '../text.ts';

type PrunedVmOutput = PruneOutput['vms'][number];

/** What a prune would do: of each VM a calendar, then each restore point with what keeps it or takes it. */
export function pruneReport(output: PruneOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const { vms, unmatched, repository, timezone } = output;
  const all = vms.flatMap(({ points }) => points);
  const going = all.filter(({ keep }) => !keep).length;
  const total =
    vms.length === 0
      ? 'the database knows no restore point of such a VM'
      : `${plural(vms.length, 'VM')}: ${stayAndGo(all.length - going, all.length)}; ${freedText(output.freed)}`;
  return [
    ...fit(`${whatOf(output)} in repository ${repository}, times in ${timezone}`, columns),
    ...vms.flatMap((vm) => ['', ...vmReport(vm, output, options)]),
    ...(unmatched.length > 0 ? [''] : []),
    ...unmatched.flatMap((pattern) => fitted('  warning ', `no VM is called ${pattern}`, columns).map(style.yellow)),
    '',
    ...fit(total, columns).map(style.bold),
  ];
}

const whatOf = ({ retention, remove = [] }: PruneOutput): string =>
  retention === null ? `Removal of ${plural(remove.length, 'restore point')}` : `Retention ${rulesText(retention)}`;

/** `last 3, daily 7, younger than 3d`. */
function rulesText(retention: NonNullable<PruneOutput['retention']>): string {
  const { minAge, timezone: _zone, ...rules } = retention;
  const counts = Object.entries(rules).flatMap(([rule, count]) => (count ? [`${rule} ${String(count)}`] : []));
  return [...counts, ...(minAge === undefined ? [] : [`younger than ${minAge}`])].join(', ');
}

/** The space that a prune gives back: exact, or a range. */
function freedText({ at_least: least, at_most: most }: PruneOutput['freed']): string {
  if (most === 0) return 'nothing is freed';
  if (least === most) return `about ${formatBytes(most)} freed`;
  return least === 0 ? `at most ${formatBytes(most)} freed` : `${formatBytes(least)} to ${formatBytes(most)} freed`;
}

function vmReport(
  { vm, error, points, remarks, freed }: PrunedVmOutput,
  { remove }: PruneOutput,
  options: SummaryOptions,
): string[] {
  const { style, columns } = options;
  if (error) {
    return [
      ...fit(`${vm}: nothing goes`, columns).map(style.bold),
      ...fitted('  refused ', printableText(error.message), columns).map(style.red),
      ...fitted('          ', printableText(error.remedy), columns),
    ];
  }
  const stay = points.filter(({ keep }) => keep).length;
  const title = `${vm}: ${stayAndGo(stay, points.length)}; ${freedText(freed)}`;
  return [
    ...fit(title, columns).map(style.bold),
    '',
    ...pruneCalendar(points, options),
    '',
    ...pointLines(remove ? concerned(points, remove) : points, remove ? 'named' : 'no rule keeps it', options),
    ...remarks.flatMap((remark) => fitted('  warning ', printableText(remark), columns).map(style.yellow)),
  ];
}

/** The restore points that somebody named, and those that they are merged into. */
function concerned(points: readonly PrunedPoint[], named: readonly string[]): PrunedPoint[] {
  const heirs = points.flatMap(({ merges }) => merges.map(({ into }) => into));
  return points
    .filter(({ backup_id: id }) => named.includes(id) || heirs.includes(id))
    .map((point) => (named.includes(point.backup_id) ? point : { ...point, reasons: ['what goes is merged into it'] }));
}

/** @param goes why one goes that is merged into no other */
function pointLines(points: readonly PrunedPoint[], goes: string, { style, columns }: SummaryOptions): string[] {
  const heads = table(
    points.map(({ keep, backup_id: id, held_bytes: held }) => [keep ? '  stays' : '  goes', id, formatBytes(held)]),
    [2],
  );
  return points.flatMap((point, at) => {
    const head = `${heads[at] ?? ''}  `;
    const why = point.keep ? point.reasons.join(', ') : (mergeText(point) ?? goes);
    // In a narrow terminal it stands below.
    const lines =
      columns - widthOf(head) >= 30
        ? fitted(head, why, columns)
        : [...fit(head.trimEnd(), columns), ...fitted('    ', why, columns)];
    return lines.map(point.keep ? (line) => line : style.dim);
  });
}

function mergeText({ merges }: PrunedPoint): string | null {
  const heirs = [...new Set(merges.map(({ into }) => into))];
  return heirs.length === 0 ? null : `into ${heirs.join(' and ')}`;
}

/** `4 of 5 restore points stay, 1 goes` */
function stayAndGo(stay: number, all: number): string {
  const going = all - stay;
  return `${stay} of ${plural(all, 'restore point')} ${stay === 1 ? 'stays' : 'stay'}, ${going} ${going === 1 ? 'goes' : 'go'}`;
}
