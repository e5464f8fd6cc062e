import { existsSync } from 'node:fs';
import { isAhead } from '../../state/database/in-future.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import { healthOf, updateHealth, watchedPlans } from '../../state/schedules/plan-health.ts';
import type { PlanHealthTable } from '../../state/database/tables.ts';
import { formatAge } from '../../view/format-age.ts';

/** A breach is said again after this. */
const againMs = 86_400_000;
const goneMs = 7 * againMs;
/** Plans in one transaction: others wait for the database meanwhile. */
const atATime = 500;

/** Since when the last success of a plan counts: when its run began, for its restore point holds what was there then. */
export const rpoFrom = ({ last_success_started, since }: PlanHealthTable): number => last_success_started ?? since;

/** Whether no success is young enough, or nobody knows how old it is: by its time it is still to come. */
export const isLate = (health: PlanHealthTable, now: number): boolean =>
  health.rpo !== null && (now - rpoFrom(health) > health.rpo || isAhead(rpoFrom(health), now));

/**
 * Raises a notice for each plan without a success within its `rpo`, once and then daily, and for each that is watched no more
 * because its file is gone. Several processes may ask.
 */
export function checkRpo(state: State, now = Date.now()): void {
  const late = watchedPlans(state).filter((health) => needsWord(health, now));
  for (let at = 0; at < late.length; at += atATime) {
    state.transaction(() => {
      for (const { plan } of late.slice(at, at + atATime)) {
        const health = healthOf(state, plan);
        if (health && health.removed === null && needsWord(health, now)) speak(state, health, now);
      }
    });
  }
}

const needsWord = (health: PlanHealthTable, now: number): boolean =>
  isGone(health, now) || (isLate(health, now) && !saidLately(health.rpo_raised, now));

/** What was said by a clock that was ahead is said again. */
const saidLately = (raised: number | null, now: number): boolean =>
  raised !== null && raised <= now && now - raised < againMs;

/** A plan without an rpo, whose file is gone and of which nothing was heard for a week: it would stand in the status for ever. */
const isGone = ({ rpo, file, since, last_success, last_failure }: PlanHealthTable, now: number): boolean =>
  rpo === null && now - latestOf([since, last_success, last_failure], now) > goneMs && !existsSync(file);

/** The latest of these times; one in the future says nothing. */
const latestOf = (times: readonly (number | null)[], now: number): number =>
  Math.max(0, ...times.filter((time) => time !== null && time <= now).map(Number));

function speak(state: State, health: PlanHealthTable, now: number): void {
  const { plan, vm, repository, file, last_success: last, rpo } = health;
  const about = { plan, vm, repository };
  if (!existsSync(file)) {
    updateHealth(state, plan, { removed: now });
    raiseNotice(
      state,
      {
        ...about,
        event: 'invalid-plan',
        message: `${plan} is no longer watched: its file ${file} is gone`,
        details: { file, last_success: last },
      },
      now,
    );
    return;
  }
  updateHealth(state, plan, { rpo_since: health.rpo_since ?? now, rpo_raised: now });
  raiseNotice(
    state,
    {
      ...about,
      event: 'rpo',
      message: isAhead(rpoFrom(health), now)
        ? `${plan}: ${last === null ? 'it is watched since' : 'its last success began at'} ${new Date(rpoFrom(health)).toISOString()}, which is in the future: the clock was ahead, so its age is unknown (rpo ${formatAge(rpo ?? 0)})`
        : `${plan}: no success for ${formatAge(now - rpoFrom(health))} (rpo ${formatAge(rpo ?? 0)})${last === null ? ', and none ever' : ''}`,
      details: {
        rpo_ms: rpo,
        age_ms: Math.max(0, now - rpoFrom(health)),
        last_success: last,
        last_error: health.last_error === null ? null : (JSON.parse(health.last_error) as unknown),
      },
    },
    now,
  );
}
