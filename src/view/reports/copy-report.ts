import type { CopyOutput } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printable, printableText } from '../text.ts';

/** What was copied, and what a move left. */
export function copyReport(output: CopyOutput, { style, columns }: SummaryOptions): string[] {
  const { done, warning } = style.symbols;
  const copied = output.points.filter(({ state }) => state === 'copied').length;
  const kept = output.points.filter(({ kept_because: why }) => why !== null);
  const facts = [
    `${plural(copied, 'restore point')} of ${output.vm} copied from ${output.from} to ${output.to}`,
    `${output.points.length - copied} there already`,
    `${formatBytes(output.bytes_sent)} sent`,
    ...(output.move ? [`${output.points.length - kept.length} removed from ${output.from}`] : []),
  ];
  return [
    ...output.points
      .filter(({ state }) => state === 'copied')
      .map(({ backup_id: id, bytes }) => `  ${style.green('+')} ${id}  ${formatBytes(bytes)}`),
    ...kept.flatMap(({ backup_id: id, kept_because: why }) =>
      labelled(`  ${style.yellow(warning)} `, `${id} stays in ${output.from}: ${printable(why ?? '')}`, columns),
    ),
    ...output.warnings.flatMap((text) => labelled(`  ${style.yellow(warning)} `, printableText(text), columns)),
    ...labelled(`${style.green(done)} `, facts.join(', '), columns),
    ...(output.move
      ? labelled('  ', `Set \`repository:\` in the plans of ${output.vm} to where it is now.`, columns)
      : []),
  ];
}
