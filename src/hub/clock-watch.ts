import type { ClockLook } from '../host/system/boot-clock.ts';
import { clockDoubt, lastClockLook, latestRunTime, writeClockLook } from '../state/schedules/clock-looks.ts';
import { raiseNotice } from '../state/notices/notices.ts';
import type { State } from '../state/database/open-state.ts';
import { rewindProgress } from '../state/schedules/slot-progress.ts';
import { formatAge } from '../view/format-age.ts';
import type { HubLog } from './hub-log.ts';

/** A jump of less, ms, is a clock that is kept right. */
const noticedMs = 60_000;
/** The look is written down so often, ms. */
const writtenMs = 60_000;

/**
 * Notices that the clock was set, also while nobody looked: tells it (log and notice), and where it was set back lets slots
 * that it had reached come again in their time. Answers by how much it was set, ms; null: it was not.
 */
export function watchClock(
  state: State,
  { bootId, sinceBoot, now }: ClockLook,
  log: Pick<HubLog, 'warn'>,
): number | null {
  const last = lastClockLook(state);
  const sameBoot = last?.boot_id === bootId;
  const doubt = clockDoubt(state, { bootId, sinceBoot, now });
  const look = {
    boot_id: bootId,
    ahead_of_boot: now - sinceBoot,
    seen: now,
    // One that is doubted is believed after a day.
    latest: doubt?.latest ?? Math.max(now, last?.latest ?? 0),
    doubted: doubt === null ? null : sameBoot && last.doubted !== null ? last.doubted : sinceBoot,
  };
  // How far it is from where it would be had nobody set it. Over a restart of the machine only a clock that goes back shows.
  const latest = last?.seen ?? latestRunTime(state) ?? now;
  const jump = sameBoot ? look.ahead_of_boot - last.ahead_of_boot : Math.min(0, now - latest);
  if (Math.abs(jump) < noticedMs) {
    if (!last || !sameBoot || now - last.seen >= writtenMs || now < last.seen) writeClockLook(state, look);
    return null;
  }
  state.transaction(() => {
    // Another process may have seen it meanwhile.
    const seen = lastClockLook(state);
    if (seen?.boot_id === bootId && Math.abs(look.ahead_of_boot - seen.ahead_of_boot) < noticedMs) return;
    writeClockLook(state, look);
    const rewound = jump < 0 ? rewindProgress(state, sameBoot ? Math.min(now, latest + jump) : now) : [];
    const message = messageOf(jump, { now, sameBoot, rewound });
    log.warn({ jump_ms: jump, plans: rewound.length }, message);
    raiseNotice(
      state,
      { event: 'clock', message, details: { jump_ms: jump, before: now - jump, now, plans: rewound.slice(0, 100) } },
      now,
    );
  });
  return jump;
}

function messageOf(
  jump: number,
  { now, sameBoot, rewound }: { now: number; sameBoot: boolean; rewound: readonly string[] },
): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  const least = sameBoot ? '' : 'at least ';
  const far = formatAge(Math.round(Math.abs(jump) / 60_000) * 60_000);
  if (jump > 0)
    return `the clock was set ahead by ${far}: it shows ${time(now)}, and would show ${time(now - jump)}; what was due in between counts as missed`;
  const plans = rewound.length === 1 ? rewound[0] : `${rewound.length} plans`;
  const slots =
    rewound.length === 0 ? '' : `; slots of ${plans} that it had reached come in their time unless they were run`;
  return `the clock was set back by ${least}${far}: it shows ${time(now)}, and would show ${time(now - jump)}${slots}`;
}
