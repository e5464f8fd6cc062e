import type { StatusOutput } from '../../schemas/types.ts';
import { formatAge } from '../format-age.ts';
import { futureText } from '../future-text.ts';
import { stuckText } from '../stuck-text.ts';
import { printable } from '../text.ts';

export interface NagiosAnswer {
  readonly line: string;
  /** 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
  readonly exitCode: 0 | 1 | 2 | 3;
}

type Plan = StatusOutput['plans'][number];

/** Problems and plans that are written out; a plugin's output has little room. */
const shownProblems = 5;
const shownPlans = 100;

/** One line as plugins of Nagios print it, with performance data (monitoring-plugins.org, guidelines). */
export function statusNagios({
  plans,
  repositories,
  unlisted = [],
  stuck_prunes = [],
  channels,
  runs,
  in_future,
}: StatusOutput): NagiosAnswer {
  const tooLate = plans.filter(({ late }) => late).map(lateText);
  const critical = [...tooLate, ...in_future.map(futureText)];
  const left = runs.filter((run) => run.finished === null && !run.owner_alive);
  const warning = [
    ...plans.filter(({ late }) => !late).flatMap(warningOf),
    ...repositories.flatMap(({ repository, late_points: late }) =>
      late === 0 ? [] : [`${repository}: ${late} restore points were not read again in time`],
    ),
    ...stuck_prunes.map(stuckText),
    ...unlisted.map(
      ({ repository }) => `sendense.yaml has no repository ${repository}, but this hub knows restore points in it`,
    ),
    ...channels.map(({ channel, error }) => `channel ${channel}: ${error ?? 'fails'}`),
    ...left.map((run) => `${run.plan}: run ${run.run_id} was left behind by a crash`),
    ...runs.flatMap(({ plan, left_behind: what }) => (what ? [`${plan}: ${what.join('; ')}`] : [])),
  ];
  const counts = {
    plans: plans.length,
    late: tooLate.length,
    failing: plans.filter(({ failing_since }) => failing_since !== null).length,
    missed_slots: plans.reduce((sum, plan) => sum + plan.missed_slots, 0),
    unread_points: repositories.reduce((sum, { late_points: late }) => sum + late, 0),
    ...(in_future.length > 0 ? { in_future: in_future.length } : {}),
  };
  const data = [
    ...Object.entries(counts).map(([name, count]) => `${name}=${count}`),
    ...plans.slice(0, shownPlans).flatMap(agePerformance),
  ].join(' ');
  const answer = (word: string, text: string, exitCode: NagiosAnswer['exitCode']): NagiosAnswer => ({
    line: `SENDENSE ${word} - ${oneLine(text)} | ${data}`,
    exitCode,
  });
  if (critical.length > 0) return answer('CRITICAL', listed([...critical, ...warning]), 2);
  if (warning.length > 0) return answer('WARNING', listed(warning), 1);
  if (plans.length === 0) return answer('UNKNOWN', 'no plan has run yet', 3);
  return answer('OK', `${plans.length} ${plans.length === 1 ? 'plan' : 'plans'}, none late or failing`, 0);
}

export const nagiosUnknown = (message: string): NagiosAnswer => ({
  line: `SENDENSE UNKNOWN - ${oneLine(message)}`,
  exitCode: 3,
});

const lateText = ({ plan, age_ms, rpo_ms }: Plan): string =>
  age_ms === null
    ? `${plan}: no success yet (rpo ${formatAge(rpo_ms ?? 0)})`
    : `${plan}: no success for ${formatAge(age_ms)} (rpo ${formatAge(rpo_ms ?? 0)})`;

function warningOf(plan: Plan): string[] {
  if (plan.state === 'gone') return [`${plan.plan}: its file ${plan.file} is gone`];
  if (plan.error !== null) return [`${plan.plan}: ${plan.error.message}`];
  if (plan.failing_since !== null) return [`${plan.plan}: fails`];
  if (plan.paused !== null) return [`${plan.plan}: paused`];
  if (plan.missed_slots > 0) return [`${plan.plan}: missed slots: ${plan.missed_slots}`];
  return plan.last_success === null && plan.state === 'never' ? [`${plan.plan}: no success yet`] : [];
}

/** Quoted, for a name may hold what separates; the critical bound is the rpo. */
const agePerformance = ({ plan, age_ms, rpo_ms }: Plan): string[] =>
  age_ms === null
    ? []
    : [`'age_${plan}'=${Math.floor(age_ms / 1000)}s;;${rpo_ms === null ? '' : Math.floor(rpo_ms / 1000)};0`];

const listed = (problems: readonly string[]): string =>
  problems.length <= shownProblems
    ? problems.join('; ')
    : `${problems.slice(0, shownProblems).join('; ')}; and ${problems.length - shownProblems} more`;

/** A | would begin the performance data. */
const oneLine = (text: string): string =>
  printable(text).replaceAll(/\s+/g, ' ').replaceAll('|', '/').trim().slice(0, 2000);
