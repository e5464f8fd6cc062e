import { hostname } from 'node:os';
import type { EmailChannel, NotifyMessage } from '../../../schemas/types.ts';
import { readAuthority, type ChannelKind, type Sending } from '../channel.ts';
import { facts, textOf } from '../message.ts';

export const emailChannel: ChannelKind<EmailChannel> = {
  target: ({ to, host, port }) => `${to.join(', ')} by ${host}:${port}`,
  hears: 'troubles',
  send: sendEmail,
};

/** Mails about one plan make one thread, and say that no human wrote them (RFC 3834). */
async function sendEmail(channel: EmailChannel, { message, signal, folder, secrets }: Sending): Promise<string | null> {
  const { sendMail } = await import('../../../host/net/smtp.ts');
  const { host, port, tls, from, to } = channel;
  const user = channel.user === undefined ? undefined : await secrets.read(channel.user);
  const password = channel.password === undefined ? undefined : await secrets.read(channel.password);
  const domain = from.split('@')[1] ?? 'localhost';
  const plans = new Set(message.notices.map(({ plan }) => plan));
  const [plan] = plans;
  const thread = plans.size === 1 && plan != null ? plan : 'all';
  const refused = await sendMail(
    {
      host,
      port,
      tls,
      ca: await readAuthority(channel.ca, folder),
      login: user === undefined ? undefined : { user, password: password ?? '' },
    },
    {
      from,
      to,
      subject: `[Sendense] ${message.subject}`,
      text: `${textOf(message).join('\n')}\n\n-- \nSendense on ${message.host}\n`,
      html: htmlOf(message),
      messageId: `<${message.id}@${domain}>`,
      thread: `<plan.${thread}.${hostname()}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Sendense-Event': message.event, 'X-Sendense-Plan': thread },
    },
    signal,
  );
  return refused.length === 0 ? null : `the mail server refused ${refused.join(', ')}`;
}

const colours: Readonly<Record<NotifyMessage['severity'], string>> = {
  ok: '#1a7f37',
  info: '#57606a',
  warning: '#9a6700',
  critical: '#cf222e',
};

/** Nothing that a mail program would have to fetch. */
function htmlOf(message: NotifyMessage): string {
  const [only] = message.notices;
  const lines = textOf(message);
  const end = message.notices.length === 1 ? lines.indexOf('') : lines.length;
  const rows = message.notices.length === 1 && only ? facts(only) : [];
  return [
    `<h3 style="color:${colours[message.severity]}">${escapeHtml(message.subject)}</h3>`,
    `<pre style="white-space:pre-wrap">${escapeHtml(lines.slice(0, end).join('\n'))}</pre>`,
    ...(rows.length > 0
      ? [
          '<table>',
          ...rows.map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`),
          '</table>',
        ]
      : []),
    `<p>Sendense on ${escapeHtml(message.host)}</p>`,
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"]/g, (letter) => entities[letter] ?? letter);
