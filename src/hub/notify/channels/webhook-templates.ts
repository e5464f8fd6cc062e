import type { NotifyMessage, WebhookChannel } from '../../../schemas/types.ts';
import { facts, shortened, textOf } from '../message.ts';

export interface WebhookBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (value: unknown): WebhookBody => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

const signs: Readonly<Record<NotifyMessage['severity'], string>> = {
  ok: '✅',
  info: 'ℹ️',
  warning: '⚠️',
  critical: '🔴',
};

/** Notices that are written out where there is little room. */
const fewNotices = 40;

export const templates: Readonly<Record<WebhookChannel['template'], (message: NotifyMessage) => WebhookBody>> = {
  generic: json,

  // docs.slack.dev: a header has 150 characters, a section 3000; `text` is what a notification shows.
  slack: (message) =>
    json({
      text: slackText(`${signs[message.severity]} ${message.subject}`),
      blocks: [
        {
          type: 'header',
          text: { type: 'plain_text', text: shortened(`${signs[message.severity]} ${message.subject}`, 150) },
        },
        {
          type: 'section',
          text: { type: 'mrkdwn', text: shortened(slackText(textOf(message, fewNotices).join('\n')), 2900) },
        },
        { type: 'context', elements: [{ type: 'mrkdwn', text: slackText(`Sendense on ${message.host}`) }] },
      ],
    }),

  // learn.microsoft.com: an incoming webhook of Workflows takes adaptive cards, 28 KB at most.
  teams: (message) =>
    json({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                text: message.subject,
                weight: 'Bolder',
                size: 'Medium',
                wrap: true,
                color: cardColours[message.severity],
              },
              {
                type: 'TextBlock',
                text: shortened(textOf(message, fewNotices).join('\n\n'), 6000),
                wrap: true,
              },
              ...(message.notices.length === 1
                ? [
                    {
                      type: 'FactSet',
                      facts: facts(message.notices[0]).map(([title, value]) => ({ title, value })),
                    },
                  ]
                : []),
            ],
          },
        },
      ],
    }),

  // docs.ntfy.sh: a body of more than 4096 bytes becomes an attachment; headers are ASCII or RFC 2047.
  ntfy: (message) => ({
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'Title': headerText(message.subject),
      'Priority': { ok: '3', info: '2', warning: '4', critical: '5' }[message.severity],
      'Tags': { ok: 'white_check_mark', info: 'information_source', warning: 'warning', critical: 'rotating_light' }[
        message.severity
      ],
    },
    body: withinBytes(textOf(message, fewNotices).join('\n'), 4000),
  }),
};

const cardColours: Readonly<Record<NotifyMessage['severity'], string>> = {
  ok: 'Good',
  info: 'Default',
  warning: 'Warning',
  critical: 'Attention',
};

const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const headerText = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;

function withinBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  // Cut in the middle of a character it decodes to one that says so.
  return `${Buffer.from(text).subarray(0, most).toString('utf8')}…`;
}
