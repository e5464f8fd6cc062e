import type { StatusOutput } from '../../schemas/types.ts';
import { formatAge } from '../format-age.ts';
import { formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText } from '../text.ts';

type Plan = StatusOutput['plans'][number];

/** The plans, those that need a look with the reason below them. */
export function planHealthReport(plans: readonly Plan[], { style, columns }: SummaryOptions): string[] {
  if (plans.length === 0) return [];
  const rows = foldedTable(
    [
      ['PLAN', 'VM', 'STATE', 'LAST SUCCESS', 'AGE', 'RPO'].map(style.bold),
      ...plans.map((plan) => [
        plan.plan,
        plan.vm,
        stateOf(plan, style),
        plan.last_success === null ? '-' : formatTime(plan.last_success),
        plan.age_ms === null ? '-' : formatAge(plan.age_ms),
        plan.rpo_ms === null ? '-' : formatAge(plan.rpo_ms),
      ]),
    ],
    columns,
    [4, 5],
  );
  return rows.flatMap((row, index) => {
    const plan = plans[index - 1];
    if (!plan) return row;
    return [...row, ...remarks(plan).flatMap((text) => labelled('    ', printableText(text), columns).map(style.red))];
  });
}

function stateOf({ state, late }: Plan, style: SummaryOptions['style']): string {
  if (state === 'ok') return style.green(state);
  if (state === 'running') return late ? style.red('running, late') : style.cyan(state);
  if (state === 'paused') return late ? style.red('paused, late') : style.yellow(state);
  return state === 'never' ? style.yellow(state) : style.red(state);
}

function remarks({ state, file, error, failures, failing_since, missed_slots }: Plan): string[] {
  const since = failing_since === null ? '' : ` (${plural(failures, 'failure')} since ${formatTime(failing_since)})`;
  return [
    ...(state === 'gone' ? [`its file ${file} is gone: nothing runs it any more`] : []),
    ...(error === null ? [] : [`${error.code}: ${error.message}${since}`]),
    ...(missed_slots === 0 ? [] : [`${plural(missed_slots, 'slot')} missed since the last success`]),
  ];
}

/** Channels of notices that do not work. */
export const deadChannels = (channels: StatusOutput['channels'], { style, columns }: SummaryOptions): string[] =>
  channels.flatMap(({ channel, failing_since, error, waiting }) =>
    labelled(
      `${style.red(style.symbols.failed)} `,
      printable(
        `channel ${channel} fails since ${formatTime(failing_since)}, ${plural(waiting, 'message')} waiting: ${error ?? ''}`,
      ),
      columns,
    ),
  );
