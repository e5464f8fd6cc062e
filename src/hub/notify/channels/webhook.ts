import { createHmac } from 'node:crypto';
import { httpPost } from '../../../host/net/http-post.ts';
import type { WebhookChannel } from '../../../schemas/types.ts';
import { hostOf, readAuthority, readUrl, type ChannelKind, type Sending } from '../channel.ts';
import { templates } from './webhook-templates.ts';

export const webhookChannel: ChannelKind<WebhookChannel> = {
  target: ({ url }) => hostOf(url),
  hears: 'troubles',
  send: post,
};

/** The receiver can tell a message that is sent again by its id, and one of ours by its signature. */
async function post(channel: WebhookChannel, { message, signal, folder, secrets }: Sending): Promise<null> {
  const url = await readUrl(channel, secrets);
  const { body, headers } = templates[channel.template](message);
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(channel.headers)) own[name] = await secrets.read(value);
  const signature = channel.sign === undefined ? {} : signed(body, await secrets.read(channel.sign));
  await httpPost(
    {
      url,
      headers: { ...headers, 'X-Sendense-Id': message.id, ...signature, ...own },
      body,
      ca: await readAuthority(channel.ca, folder),
    },
    signal,
  );
  return null;
}

/** The time is signed too, so that an old message cannot be played again. */
function signed(body: string, key: string): Record<string, string> {
  const time = String(Math.floor(Date.now() / 1000));
  const digest = createHmac('sha256', key).update(`${time}.${body}`).digest('hex');
  return { 'X-Sendense-Timestamp': time, 'X-Sendense-Signature': `sha256=${digest}` };
}
