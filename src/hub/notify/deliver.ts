import { setTimeout as delay } from 'node:timers/promises';
import { parseDuration } from '../../time/duration.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import type { Settings } from '../../schemas/types.ts';
import { channelFailed, channelHealth, channelReported, channelWorked } from '../../state/notices/channels.ts';
import {
  claimBatch,
  giveUpUnknown,
  longestPauseMs,
  markFailed,
  markSent,
  releaseClaim,
  type ClaimedBatch,
} from '../../state/notices/deliveries.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import type { ChannelSettings } from './channel.ts';
import { routeNotices } from './routing.ts';
import { send } from './send.ts';

export interface DeliverOptions {
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
  /** Gets no new message and ends the attempt under way. */
  readonly signal: AbortSignal;
  /** Waits so long for what is not due yet, ms; 0: only what is due now. */
  readonly waitMs: number;
  /** Only what is about this plan. */
  readonly plan?: string | undefined;
  /** Nobody comes later: nothing waits to be folded. */
  readonly atOnce?: boolean;
  /** Gets every failed attempt, without secrets. */
  warn(message: string): void;
}

export interface DeliveryResult {
  readonly sent: number;
  /** Failed attempts. */
  readonly failed: number;
}

/** Attempts in a row that may fail before the other channels are told. */
const toleratedFailures = 2;
/** A dead channel is reported again after this. */
const reportAgainMs = 86_400_000;
/** After this a notice is given up. */
const giveUpMs = 86_400_000;
/** Time beyond an attempt's limit until somebody else may take its claim. */
const claimMarginMs = 60_000;

/** Failures after which a channel rests; below that they may be the fault of one message. */
const failuresUntilRest = 2;

/** ms until the next attempt: 2 s, 6 s, 18 s … at most one hour. */
export const backoffMs = (failures: number): number => Math.min(2000 * 3 ** Math.min(failures, 10), longestPauseMs);

/** Routes new notices and delivers what waits, all channels at a time. Rejects only where the database does. */
export async function deliver(options: DeliverOptions): Promise<DeliveryResult> {
  const { state, settings } = options;
  const until = performance.now() + options.waitMs;
  const total = { sent: 0, failed: 0 };
  const names = Object.entries(settings.notify.channels);
  const now = Date.now();
  const known = names.map(([name]) => name);
  // Not at once: the settings of another process may be newer.
  giveUpUnknown(state, known, now - giveUpMs, now);
  // What is said of a dead channel goes to the others, which may have been done by then.
  for (let raised = true; raised && !options.signal.aborted;) {
    routeNotices(state, settings);
    const results = await Promise.all(names.map(([name, channel]) => drain(options, name, channel, until)));
    raised = results.some((result) => result.raised);
    for (const { sent, failed } of results) {
      total.sent += sent;
      total.failed += failed;
    }
  }
  return total;
}

interface Drained extends DeliveryResult {
  /** A notice was raised meanwhile. */
  readonly raised: boolean;
}

async function drain(options: DeliverOptions, name: string, channel: ChannelSettings, until: number): Promise<Drained> {
  const { state, signal, plan, atOnce = false } = options;
  const result = { sent: 0, failed: 0, raised: false };
  const owner = thisProcess();
  const expiresMs = parseDuration(channel.timeout) + claimMarginMs;
  const foldMs = 'fold' in channel ? parseDuration(channel.fold) : 0;
  let inARow = 0;
  while (!signal.aborted) {
    const rest = inARow < failuresUntilRest ? 0 : backoffMs(inARow - failuresUntilRest);
    if (rest > 0) {
      if (performance.now() + rest > until) break;
      await delay(rest, undefined, { signal }).catch(() => undefined);
    }
    const now = Date.now();
    const claim = claimBatch(state, { channel: name, owner, isRunning, now, expiresMs, foldMs, plan, atOnce });
    if (claim === null) break;
    if ('again' in claim) {
      if (performance.now() + (claim.again - now) > until) break;
      // Others may bring it forward, or take it.
      await delay(Math.min(claim.again - now, 1000) + 1, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const raised = await attempt(options, { name, channel }, claim.batch);
    if (raised === 'sent') {
      result.sent += claim.batch.ids.length;
      inARow = 0;
    } else {
      result.failed++;
      inARow++;
      result.raised ||= raised === 'reported';
    }
  }
  return result;
}

async function attempt(
  { state, settingsFolder, signal, warn }: DeliverOptions,
  { name, channel }: { name: string; channel: ChannelSettings },
  batch: ClaimedBatch,
): Promise<'sent' | 'failed' | 'reported'> {
  const sent = await send(channel, batch.notices, settingsFolder, signal);
  const now = Date.now();
  if (sent.ok) {
    state.transaction(() => {
      markSent(state, batch.claim, now);
      channelWorked(state, name, now);
    });
    if (sent.remark !== null) warn(`channel ${name}: ${sent.remark}`);
    return 'sent';
  }
  if (signal.aborted) {
    releaseClaim(state, batch.claim);
    return 'failed';
  }
  const { error } = sent;
  warn(`channel ${name}: ${error}`);
  return state.transaction(() => {
    const raisedAt = new Map(batch.notices.map((notice, index) => [batch.ids[index], notice.raised]));
    const givenUp = markFailed(state, batch.claim, {
      error,
      now,
      dueOf: ({ id, attempts }) => (now - (raisedAt.get(id) ?? 0) > giveUpMs ? undefined : now + backoffMs(attempts)),
    });
    channelFailed(state, name, error, now);
    return report(state, name, givenUp, now) ? 'reported' : 'failed';
  });
}

/** Tells the other channels of a dead one; answers whether it did. */
function report(state: State, name: string, givenUp: number, now: number): boolean {
  const health = channelHealth(state, name);
  if (!health || (health.failures <= toleratedFailures && givenUp === 0)) return false;
  if (health.reported !== null && health.reported <= now && now - health.reported < reportAgainMs) return false;
  channelReported(state, name, now);
  const since = new Date(health.failing_since ?? now).toISOString();
  const lost = givenUp === 0 ? '' : `; ${givenUp} messages were given up`;
  raiseNotice(state, {
    event: 'channel',
    message: `channel ${name} fails since ${since}: ${health.error ?? ''}${lost}`,
    details: { channel: name, failures: health.failures, failing_since: health.failing_since, given_up: givenUp },
  });
  return true;
}
