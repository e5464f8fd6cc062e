import { SendenseError } from '../../errors/sendense-error.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import type {
  Notify,
  NotifyFlushOutput,
  NotifyHistoryOutput,
  NotifyListOutput,
  NotifyTestOutput,
  Settings,
} from '../../schemas/types.ts';
import { channelHealth } from '../../state/notices/channels.ts';
import { bringForward, countWaiting, deliveryHistory, type DeliveryRecord } from '../../state/notices/deliveries.ts';
import type { NoticeRow } from '../../state/notices/notices.ts';
import { watchedPlans } from '../../state/schedules/plan-health.ts';
import type { NoticeParts } from './notice-parts.ts';
import { watchClock } from '../clock-watch.ts';
import { checkRpo } from './check-rpo.ts';
import { kindOf } from './channels/index.ts';

/** What `sendense-run notify` does. */
export interface Notices {
  list(): NotifyListOutput;
  /** Sends a message that says so to one channel, or to all, at once. @throws SendenseError `notify.unknown` */
  test(channel: string | undefined, signal: AbortSignal): Promise<NotifyTestOutput>;
  /** Looks for plans without a success in time, and tries now to deliver all that waits; retries for `waitMs`. */
  flush(options: FlushOptions): Promise<NotifyFlushOutput>;
  history(filter: { readonly limit: number; readonly plan?: string | undefined }): NotifyHistoryOutput;
}

export interface FlushOptions {
  readonly signal: AbortSignal;
  readonly waitMs: number;
  warn(message: string): void;
}

export function manageNotices(parts: NoticeParts): Notices {
  const { state, settings, settingsFolder } = parts;
  const { channels } = settings.notify;
  return {
    list() {
      const waiting = countWaiting(state);
      return {
        version: 1,
        channels: Object.entries(channels).map(([name, channel]) => {
          const health = channelHealth(state, name);
          return {
            name,
            type: channel.type,
            target: kindOf(channel).target(channel),
            used_by: usersOf(parts, name),
            waiting: waiting.get(name) ?? 0,
            last_success: health?.last_success ?? null,
            failing_since: health?.failing_since ?? null,
            failures: health?.failures ?? 0,
            error: health?.error ?? null,
          };
        }),
      };
    },

    async test(name, signal) {
      if (name !== undefined && !channels[name]) throw unknownChannel(settings, name);
      const { send } = await import('./send.ts');
      const chosen = Object.entries(channels).filter(([other]) => name === undefined || other === name);
      const results = await Promise.all(
        chosen.map(async ([channel, how]) => {
          const sent = await send(how, [testNotice(channel)], settingsFolder, signal);
          return { channel, ok: sent.ok, error: sent.ok ? sent.remark : sent.error };
        }),
      );
      signal.throwIfAborted();
      return { version: 1, ok: results.every(({ ok }) => ok), channels: results };
    },

    async flush(options) {
      watchClock(state, lookAtClock(), { warn: () => {} });
      checkRpo(state);
      bringForward(state, Date.now());
      const { deliver } = await import('./deliver.ts');
      const result = await deliver({ ...parts, ...options, atOnce: true });
      const left = countWaiting(state);
      const waiting = Object.keys(channels).reduce((sum, name) => sum + (left.get(name) ?? 0), 0);
      return { version: 1, ...result, waiting };
    },

    history: ({ limit, plan }) => ({ version: 1, notices: deliveryHistory(state, limit, plan).map(noticeOutput) }),
  };
}

/** A notice as `notify history` prints it. */
export const noticeOutput = ({ notice, deliveries }: DeliveryRecord): NotifyHistoryOutput['notices'][number] => ({
  id: notice.id,
  event: notice.event,
  plan: isOfNoPlan(notice) ? null : notice.plan,
  vm: notice.vm,
  run_id: notice.run_id,
  message: notice.message,
  time: notice.raised,
  deliveries: deliveries.map(({ channel, state: how, attempts, error, finished, due }) => ({
    channel,
    state: how,
    attempts,
    error,
    time: finished,
    due,
  })),
});

/** What a command does to a repository is a run, and has a name, but is of no plan. */
const isOfNoPlan = ({ details }: Pick<NoticeRow, 'details'>): boolean =>
  (JSON.parse(details) as { readonly kind?: unknown }).kind === 'care';

/** What a channel is tested with. */
function testNotice(channel: string): NoticeRow {
  const now = Date.now();
  return {
    number: 0,
    id: `test-${now}`,
    event: 'success',
    plan: null,
    vm: null,
    repository: null,
    run_id: null,
    message: `this is a test of channel ${channel}: it works`,
    details: '{"test":true}',
    raised: now,
    routed: now,
  };
}

function usersOf({ state, settings }: NoticeParts, name: string): string[] {
  const named = (entries: readonly { channel: string }[]): boolean => entries.some(({ channel }) => channel === name);
  const own = watchedPlans(state).filter(({ notify }) => {
    const parsed = notify === null ? [] : (JSON.parse(notify) as Notify);
    return named(Array.isArray(parsed) ? parsed : (parsed.channels ?? []));
  });
  return [...(named(settings.notify.default) ? ['default'] : []), ...own.map(({ plan }) => plan)];
}

function unknownChannel({ notify }: Settings, name: string): SendenseError {
  const known = Object.keys(notify.channels);
  const near = didYouMean(name, known);
  const meant = near === null ? '' : `; did you mean ${near}?`;
  return new SendenseError(
    'notify.unknown',
    `sendense.yaml has no channel ${name}; it has ${known.join(', ') || 'none'}${meant}`,
  );
}
