import { createHash } from 'node:crypto';
import { httpPost } from '../../../host/net/http-post.ts';
import type { PingChannel } from '../../../schemas/types.ts';
import { hostOf, readAuthority, readUrl, type ChannelKind, type Sending } from '../channel.ts';
import { textOf } from '../message.ts';

/** Bytes of a log that are sent; healthchecks.io keeps 100 000. */
const longestLog = 10_000;

/** For services that raise an alarm when nothing comes. */
export const pingChannel: ChannelKind<PingChannel> = {
  target: ({ url }) => hostOf(url),
  hears: 'runs',
  send: ping,
};

/** `URL/start`, `URL`, and `URL/EXIT-CODE` or `URL/fail`, with `rid` by which start and end of a run find each other. */
async function ping(channel: PingChannel, { message, signal, folder, secrets }: Sending): Promise<null> {
  const [notice] = message.notices;
  const address = (await readUrl(channel, secrets)).replaceAll('{plan}', encodeURIComponent(notice?.plan ?? ''));
  const url = URL.parse(address);
  if (url) {
    url.pathname = url.pathname.replace(/\/$/, '') + suffixOf(channel, message.event, notice?.details['exit_code']);
    if (notice?.run_id != null) url.searchParams.set('rid', uuidOf(notice.run_id));
    if (typeof channel.url !== 'string') secrets.hide(url.pathname);
  }
  await httpPost(
    {
      url: url?.href ?? address,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: message.event === 'started' ? '' : textOf(message).join('\n').slice(0, longestLog),
      ca: await readAuthority(channel.ca, folder),
    },
    signal,
  );
  return null;
}

function suffixOf({ failure }: PingChannel, event: string, exitCode: unknown): string {
  if (event === 'started') return '/start';
  if (event !== 'failure') return '';
  return failure === 'exit-code' && typeof exitCode === 'number' && exitCode > 0 ? `/${exitCode}` : '/fail';
}

/** The same for the same run; of version 8 (RFC 9562), which leaves the content to us. */
export function uuidOf(runId: string): string {
  const hex = createHash('sha256').update(`sendense run ${runId}`).digest('hex');
  const variant = ((parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
