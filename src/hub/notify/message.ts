import type { NotifyMessage } from '../../schemas/types.ts';
import type { NoticeEvent, NoticeRow } from '../../state/notices/notices.ts';

/** How bad it is, and the word that a subject begins with. */
const events: Readonly<Record<NoticeEvent, readonly [severity: NotifyMessage['severity'], word: string]>> = {
  'started': ['info', 'started'],
  'success': ['ok', 'success'],
  'recovery': ['ok', 'recovered'],
  'warning': ['warning', 'warning'],
  'missed-slot': ['warning', 'missed'],
  'clock': ['warning', 'CLOCK'],
  'lock-refused': ['warning', 'locked'],
  'prune-trouble': ['warning', 'prune'],
  'paused': ['warning', 'paused'],
  'failure': ['critical', 'FAILED'],
  'verification-failure': ['critical', 'BROKEN'],
  'rpo': ['critical', 'LATE'],
  'invalid-plan': ['critical', 'INVALID'],
  'channel': ['critical', 'CHANNEL'],
};

export const noticeEvents = Object.keys(events) as readonly NoticeEvent[];

/** The longest subject; mail and syslog have little room. */
const longestSubject = 160;

/** One message about notices of one event, oldest first. */
export function messageOf(notices: readonly NoticeRow[], host: string, mask: (text: string) => string): NotifyMessage {
  const [first] = notices;
  const event = (first?.event ?? 'channel') as NoticeEvent;
  const [severity, word] = events[event] ?? ['warning', event];
  return {
    version: 1,
    id: first?.id ?? '',
    event,
    severity,
    // Masked before it is cut: half a secret would not be found any more.
    subject: shortened(oneLine(mask(`${word}: ${subjectOf(notices)}`)), longestSubject),
    host,
    notices: notices.map((notice) => ({
      id: notice.id,
      plan: notice.plan,
      vm: notice.vm,
      repository: notice.repository,
      run_id: notice.run_id,
      message: mask(notice.message),
      details: masked(JSON.parse(notice.details), mask) as Record<string, unknown>,
      time: notice.raised,
    })) as NotifyMessage['notices'],
  };
}

function masked(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map((item) => masked(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner, mask)]));
}

function subjectOf(notices: readonly NoticeRow[]): string {
  const [first] = notices;
  if (notices.length === 1) return first?.message ?? '';
  const names = [...new Set(notices.map(({ plan, vm }) => plan ?? vm).filter((name) => name !== null))];
  const shown = names.slice(0, 3).join(', ');
  return names.length === 0
    ? `${notices.length} notices`
    : `${notices.length} times: ${shown}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

export const shortened = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;

/** The message as lines of text. @param most notices that are written out; default: all */
export function textOf(message: NotifyMessage, most = Infinity): string[] {
  const { notices } = message;
  const lines = notices.slice(0, most).flatMap((notice) => noticeLines(notice, notices.length === 1));
  if (notices.length > most) lines.push(`… and ${notices.length - most} more`);
  return lines;
}

type Notice = NotifyMessage['notices'][number];

function noticeLines(notice: Notice, alone: boolean): string[] {
  const time = new Date(notice.time).toISOString();
  if (!alone) return [`${time}  ${oneLine(notice.message)}`];
  const { error, warnings, members } = notice.details as {
    error?: { remedy?: unknown } | null;
    warnings?: unknown;
    members?: unknown;
  };
  const list = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.map((item) => `  - ${typeof item === 'string' ? below(item, 4) : JSON.stringify(item)}`)
      : [];
  return [
    below(notice.message, 2),
    ...list(warnings),
    ...list(members),
    ...(typeof error?.remedy === 'string' ? [below(error.remedy, 2)] : []),
    '',
    ...facts(notice).map(([name, value]) => `${name}: ${oneLine(value)}`),
  ];
}

/** Lines that a text from outside has stand below its first one, so that none looks like one of ours. */
const below = (text: string, indent: number): string =>
  text.replaceAll(/\r\n?|[\n\v\f\u0085\u2028\u2029]/g, `\n${' '.repeat(indent)}`);

/** Name and value of what is known of a notice. */
export const facts = (notice: Notice): [name: string, value: string][] =>
  (
    [
      ['Plan', notice.plan],
      ['VM', notice.vm],
      ['Repository', notice.repository],
      ['Run', notice.run_id],
      ['Time', new Date(notice.time).toISOString()],
      ['See', notice.run_id === null ? null : `sendense-run show ${notice.run_id}`],
    ] as const
  ).flatMap(([name, value]) => (value === null || value === '*' ? [] : [[name, value] as [string, string]]));
