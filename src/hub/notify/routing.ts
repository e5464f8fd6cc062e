import type { Notify, NotifyEntry, Settings } from '../../schemas/types.ts';
import {
  channelsTold,
  forgetNotices,
  routeNotice,
  unroutedNotices,
  type NoticeRow,
} from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import { healthOf } from '../../state/schedules/plan-health.ts';
import { kindOf } from './channels/index.ts';

/** All that a channel can be told which hears of runs only. */
const runEvents = ['started', 'success', 'warning', 'failure'];

/** What others are not told of without an `on` of its own. */
const chatter = ['started', 'success'];

/** Notices older than this are forgotten. */
const keptMs = 90 * 86_400_000;

/** Gives each new notice to the channels of its plan and of the default. Several processes may do so at once. */
export function routeNotices(state: State, settings: Settings, now = Date.now()): void {
  const rest = unroutedNotices(state);
  if (rest.length === 0) return;
  state.transaction(() => {
    for (const notice of unroutedNotices(state)) routeNotice(state, notice, channelsFor(state, settings, notice), now);
    forgetNotices(state, now - keptMs);
  });
}

function channelsFor(state: State, settings: Settings, notice: NoticeRow): string[] {
  const { channels } = settings.notify;
  const entries = entriesFor(settings, notice.plan === null ? undefined : planNotify(state, notice.plan));
  const dead = notice.event === 'channel' ? (JSON.parse(notice.details) as { channel?: unknown }).channel : undefined;
  // A run of verification or pruning that fails has said why already.
  const told =
    notice.event === 'failure' && notice.run_id !== null
      ? channelsTold(state, notice.run_id, ['verification-failure', 'prune-trouble'])
      : new Set<string>();
  const chosen = entries
    .filter(({ channel, on }) => {
      const named = channels[channel];
      if (named === undefined || channel === dead) return false;
      if (kindOf(named).hears === 'runs')
        return runEvents.includes(notice.event) && (on?.includes(eventOf(notice)) ?? true);
      return (on?.includes(eventOf(notice)) ?? !chatter.includes(notice.event)) && !told.has(channel);
    })
    .map(({ channel }) => channel);
  // That a channel is dead must reach somebody, asked for or not.
  if (notice.event !== 'channel' || chosen.length > 0) return chosen;
  return Object.entries(channels)
    .filter(([name, other]) => name !== dead && kindOf(other).hears !== 'runs')
    .map(([name]) => name);
}

const eventOf = (notice: NoticeRow): NonNullable<NotifyEntry['on']>[number] =>
  notice.event as NonNullable<NotifyEntry['on']>[number];

const planNotify = (state: State, plan: string): Notify | undefined => {
  const text = healthOf(state, plan)?.notify;
  return text == null ? undefined : (JSON.parse(text) as Notify);
};

/** The entries that count for a plan: its own, and those of the default for other channels. */
export function entriesFor(settings: Settings, notify: Notify | undefined): NotifyEntry[] {
  const own = Array.isArray(notify) ? notify : (notify?.channels ?? []);
  const inherit = Array.isArray(notify) || (notify?.inherit ?? true);
  const named = new Set(own.map(({ channel }) => channel));
  return [...own, ...(inherit ? settings.notify.default.filter(({ channel }) => !named.has(channel)) : [])];
}
