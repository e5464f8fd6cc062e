import type { StatusOutput } from '../../schemas/types.ts';
import { formatDuration, formatTime } from '../format.ts';
import { formatAge } from '../format-age.ts';
import { futureText } from '../future-text.ts';
import { stuckText } from '../stuck-text.ts';
import { unlistedText } from '../unlisted-text.ts';
import { deadChannels, planHealthReport } from './plan-health-report.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { flow, foldedTable, labelled, printable, printableText, table } from '../text.ts';

/** Plans, runs, locks and leases. */
export function statusReport(output: StatusOutput, options: SummaryOptions): string[] {
  const { plans, repositories, unlisted = [], stuck_prunes = [], channels, runs, locks, leases, in_future } = output;
  const { style, columns } = options;
  const abandoned = runs.some((run) => run.finished === null && !run.owner_alive);
  const unclean = runs.some((run) => run.left_behind !== undefined);
  const health = planHealthReport(plans, options);
  return [
    ...health,
    ...(health.length > 0 ? [''] : []),
    ...in_future.flatMap((entry) =>
      labelled(`${style.red(style.symbols.failed)} `, printableText(futureText(entry)), columns),
    ),
    ...(in_future.length > 0 ? [''] : []),
    ...runLines(runs, options),
    ...(locks.length > 0
      ? [
          '',
          style.bold('Locks'),
          ...table(
            locks.map((lock) => [`  ${lock.name}`, lock.run_id, lock.owner_alive ? '' : style.red('owner is gone')]),
          ),
        ]
      : []),
    ...(leases.length > 0
      ? ['', style.bold('Port leases'), ...table(leases.map(({ port, run_id }) => [`  ${port}`, run_id]))]
      : []),
    ...readingLines(repositories, options),
    ...stuckLines(stuck_prunes, options),
    ...unlisted.flatMap((one) => [
      '',
      ...labelled(`${style.yellow(style.symbols.warning)} `, printable(unlistedText(one)), columns),
    ]),
    ...(channels.length > 0 ? ['', ...deadChannels(channels, options)] : []),
    ...(abandoned || unclean
      ? [
          '',
          ...flow(
            [
              style.yellow(style.symbols.warning),
              ...`a run ${abandoned ? 'was left behind by a crash' : 'left something behind'}; clean up with`.split(
                ' ',
              ),
              style.cyan('sendense-run recover'),
            ],
            columns,
          ),
        ]
      : []),
  ];
}

function stuckLines(stuck: NonNullable<StatusOutput['stuck_prunes']>, { style, columns }: SummaryOptions): string[] {
  return stuck.flatMap((one) => [
    '',
    ...labelled(`${style.red(style.symbols.failed)} `, printable(stuckText(one)), columns),
  ]);
}

/** Only of those that read everything again: the time that is allowed, and whether it is kept. */
function readingLines(repositories: StatusOutput['repositories'], { style, columns }: SummaryOptions): string[] {
  const lines = repositories.flatMap(
    ({ repository, points, reread_within_ms: within, oldest_age_ms: oldest, late_points: late }) => {
      if (within === null) return [];
      const name = printable(repository);
      const age = formatAge(oldest);
      const text =
        late === 0
          ? `${name}: all files were read within ${formatAge(within)}, the oldest ${age} ago`
          : `${name}: late: the files of ${late} of ${points} restore points were not read again within ${formatAge(within)} (the oldest: ${age} ago); run sendense-run verify --repository ${name}, or schedule it`;
      return flow(text.split(' '), columns - 2).map((line) => (late === 0 ? line : style.red(line)));
    },
  );
  return lines.length === 0 ? [] : ['', style.bold('Verification'), ...lines.map((line) => `  ${line}`)];
}

type Run = StatusOutput['runs'][number];

function runLines(runs: readonly Run[], { style, columns }: SummaryOptions): string[] {
  if (runs.length === 0) return ['no runs yet'];
  const rows = foldedTable(
    [
      ['PLAN', 'VM', 'STARTED', 'TOOK', 'STATUS', 'RUN'].map(style.bold),
      ...runs.map((run) => [run.plan, run.vm, formatTime(run.started), took(run), statusOf(run, style), run.run_id]),
    ],
    columns,
    [3],
  );
  return rows.flatMap((row, index) => {
    const { error, left_behind: left = [] } = runs[index - 1] ?? {};
    const remarks = [...(error ? [`${error.code}: ${error.message}`] : []), ...left];
    return [...row, ...remarks.flatMap((text) => labelled('    ', printableText(text), columns).map(style.red))];
  });
}

const took = ({ started, finished }: Run): string => (finished === null ? '' : formatDuration(finished - started));

export function statusOf(run: Run, style: SummaryOptions['style']): string {
  if (run.finished === null && !run.owner_alive) return style.red('left behind');
  if (run.status === 'succeeded') return run.exit_code === 3 ? style.yellow('warnings') : style.green('succeeded');
  return run.finished === null ? style.cyan(run.status) : style.red(`${run.status} (${run.exit_code ?? '?'})`);
}
