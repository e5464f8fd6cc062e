import type {
  NotifyFlushOutput,
  NotifyHistoryOutput,
  NotifyListOutput,
  NotifyTestOutput,
} from '../../schemas/types.ts';
import { formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText } from '../text.ts';

/** One line a channel, and why it does not work. */
export function channelsReport({ channels }: NotifyListOutput, { style, columns }: SummaryOptions): string[] {
  if (channels.length === 0)
    return ['no channels, so nobody gets notices; add `notify:` to sendense.yaml (docs/monitoring.md)'];
  const rows = foldedTable(
    [
      ['CHANNEL', 'TYPE', 'STATE', 'WAITING', 'LAST SUCCESS', 'USED BY', 'TO'].map(style.bold),
      ...channels.map((channel) => [
        channel.name,
        channel.type,
        channel.failing_since === null
          ? channel.last_success === null
            ? '-'
            : style.green('ok')
          : style.red('failing'),
        String(channel.waiting),
        channel.last_success === null ? '-' : formatTime(channel.last_success),
        channel.used_by.join(', ') || style.yellow('nobody'),
        printable(channel.target),
      ]),
    ],
    columns,
    [3],
  );
  return rows.flatMap((row, index) => {
    const channel = channels[index - 1];
    return channel?.error == null
      ? row
      : [...row, ...labelled('    ', printableText(channel.error), columns).map(style.red)];
  });
}

export const notifyTestReport = ({ channels }: NotifyTestOutput, { style, columns }: SummaryOptions): string[] =>
  channels.length === 0
    ? ['no channels: add `notify:` to sendense.yaml (docs/monitoring.md)']
    : channels.flatMap(({ channel, ok, error }) =>
        labelled(
          `${ok ? style.green(style.symbols.done) : style.red(style.symbols.failed)} ${channel}  `,
          ok ? (error ?? 'delivered') : printable(error ?? ''),
          columns,
        ),
      );

export const notifyFlushReport = ({ sent, failed, waiting }: NotifyFlushOutput): string[] => [
  `${plural(sent, 'notice')} delivered, ${plural(failed, 'attempt')} failed, ${waiting} still waiting`,
];

/** Notices, newest first, each with its channels below it. */
export const noticesReport = ({ notices }: NotifyHistoryOutput, { style, columns }: SummaryOptions): string[] =>
  notices.length === 0
    ? ['nothing was raised yet']
    : notices.flatMap((notice) => [
        ...labelled(
          `${formatTime(notice.time)}  ${style.bold(notice.event)}  `,
          printableText(notice.message),
          columns,
        ),
        ...notice.deliveries.flatMap((delivery) => labelled('    ', deliveryText(delivery), columns)),
      ]);

type Delivery = NotifyHistoryOutput['notices'][number]['deliveries'][number];

function deliveryText({ channel, state, attempts, error, time, due }: Delivery): string {
  const why = error === null ? '' : `: ${printable(error)}`;
  if (state === 'sent') return `${channel}: sent ${formatTime(time ?? 0)}`;
  if (state === 'given-up') return `${channel}: given up ${formatTime(time ?? 0)}${why}`;
  return attempts === 0 ? `${channel}: waiting` : `${channel}: waits until ${formatTime(due)}${why}`;
}
