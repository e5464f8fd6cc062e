import type { PointsPruneOutput } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import type { RunModel } from '../run/run-model.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fitted, printable, printableText, widthOf } from '../text.ts';

/** What a run has pruned; nothing where it has no such step. */
export function pruneSummary(model: RunModel, kind: string, { style, columns }: SummaryOptions): string[] {
  const step = [...model.steps.values()].find(({ uses, state }) => uses === 'points.prune' && state === 'succeeded');
  const { vms } = (step?.output ?? { vms: [] }) as Pick<PointsPruneOutput, 'vms'>;
  // A backup has said which VM it is about.
  const named = kind === 'prune';
  return vms.flatMap(({ vm, removed, merged, kept, skipped, freed_bytes: freed }) => {
    const done =
      removed.length === 0
        ? [`nothing to remove, ${plural(kept, 'point')} ${kept === 1 ? 'stays' : 'stay'}`]
        : [
            `${plural(removed.length, 'point')} removed`,
            ...(merged.length > 0 ? [`merged into ${plural(merged.length, 'other')}`] : []),
            `${formatBytes(Math.max(0, freed))} freed`,
            `${kept} ${kept === 1 ? 'stays' : 'stay'}`,
          ];
    const label = named ? `  ${style.cyan(printable(vm))}  ` : '  pruned  ';
    const indent = ' '.repeat(named ? widthOf(printable(vm)) + 4 : 10);
    return [
      ...fitted(label, done.join(', '), columns),
      ...skipped.flatMap(({ backup_id: id, reason }) =>
        fitted(indent, printableText(`${id} stays for now: ${reason}`), columns).map(style.dim),
      ),
    ];
  });
}
