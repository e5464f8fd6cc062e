import type { RecoverOutput } from '../../schemas/types.ts';
import { errorReport } from './error-report.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printableText } from '../text.ts';

/** What was cleaned up, run by run. */
export function recoverReport(
  { runs, removals = [], unseen = [] }: RecoverOutput,
  { style, columns }: SummaryOptions,
): string[] {
  if (runs.length === 0 && removals.length === 0 && unseen.length === 0) return ['nothing to clean up'];
  const { done, failed, warning } = style.symbols;
  const finished = removals.flatMap(({ repository, finished: names, put_aside: aside = [], error }) => [
    ...names.flatMap((name) =>
      labelled(`${style.green(done)} `, `repository ${repository}: removal at ${name} finished`, columns),
    ),
    ...aside.flatMap((path) =>
      labelled(
        `${style.green(done)} `,
        `repository ${repository}: moved ${path} to .sendense/trash; another hub began it and can no longer commit it`,
        columns,
      ),
    ),
    ...(error ? errorReport(error, style, columns) : []),
  ]);
  const cleaned = runs.flatMap((run) => {
    const mark = run.errors.length > 0 ? style.red(failed) : style.green(done);
    const kept = run.published ? '; what it had published stays' : '';
    const what =
      run.undone.length > 0
        ? `undone: ${run.undone.join(', ')}`
        : run.errors.length > 0
          ? 'nothing was undone'
          : 'nothing had to be undone';
    return [
      ...labelled(`${mark} `, `run ${run.run_id} of plan ${run.plan}: ${what}${kept}`, columns),
      ...(run.kept ?? []).flatMap((text) => labelled(`${style.yellow(warning)} `, printableText(text), columns)),
      ...run.errors.flatMap((error) => errorReport(error, style, columns)),
    ];
  });
  const left = unseen.flatMap((run) =>
    labelled(
      `${style.yellow(warning)} `,
      `run ${run.run_id} of plan ${run.plan} belongs to another container (pid namespace) and may still be active, so it was not touched. If you know that it has ended: sendense-run recover --ended ${run.run_id}`,
      columns,
    ),
  );
  return [...cleaned, ...finished, ...left];
}
