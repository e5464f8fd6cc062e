import { hostname } from 'node:os';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { parseDuration } from '../../time/duration.ts';
import type { NoticeRow } from '../../state/notices/notices.ts';
import { channelSecrets, type ChannelSettings, type Sending } from './channel.ts';
import { kindOf } from './channels/index.ts';
import { messageOf } from './message.ts';

export type Sent =
  | { readonly ok: true; readonly remark: string | null }
  /** Without secrets. */
  | { readonly ok: false; readonly error: string };

/** One attempt to send notices of one event as one message. Never rejects. */
export async function send(
  channel: ChannelSettings,
  notices: readonly NoticeRow[],
  folder: string,
  stop: AbortSignal,
): Promise<Sent> {
  const late = new SendenseError('notify.failed', `no answer within ${channel.timeout}`);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(late), parseDuration(channel.timeout));
  const signal = AbortSignal.any([stop, limit.signal]);
  const secrets = channelSecrets(folder, signal);
  try {
    // Known before the message is written, so that not even a notice that repeats one gives it away.
    await readAll(channel, secrets);
    const message = messageOf(notices, hostname(), (text) => secrets.mask(text));
    const remark = await kindOf(channel).send(channel, { message, signal, folder, secrets });
    return { ok: true, remark: masked(remark) };
  } catch (error) {
    return { ok: false, error: masked(toSendenseError(error).message) ?? '' };
  } finally {
    clearTimeout(timer);
  }

  function masked(text: string | null): string | null {
    return text === null ? null : secrets.mask(text).replaceAll(/\s+/g, ' ').slice(0, 500);
  }
}

async function readAll(channel: ChannelSettings, secrets: Sending['secrets']): Promise<void> {
  for (const value of Object.values({ ...channel, ...('headers' in channel ? channel.headers : {}) })) {
    if (typeof value === 'object' && 'secret' in value) await secrets.read(value);
  }
}
