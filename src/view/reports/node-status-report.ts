import type { NodeStatusOutput } from '../../schemas/types.ts';
import { formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import type { Style } from '../style.ts';
import { labelled, printable } from '../text.ts';

/** API, enrolment and link of a node. */
export function nodeStatusReport(output: NodeStatusOutput, { style, columns }: SummaryOptions): string[] {
  const { api, enrolment, link } = output;
  const line = (label: string, text: string): string[] => labelled(`${label.padEnd(8)}`, text, columns);
  return [
    ...(api.health
      ? line(
          'api',
          `${style.green(api.health.status === 'ok' ? 'answers' : 'answers, but tools are missing')} at ${api.url}, version ${api.health.version}, ${plural(api.health.jobs_running, 'job')} running`,
        )
      : line('api', `${style.red('does not answer')} at ${api.url}: ${printable(api.error?.message ?? '')}`)),
    ...(enrolment
      ? line(
          'hub',
          `${printable(enrolment.name)} at ${enrolment.hub.host}:${enrolment.hub.port}, enrolled ${formatTime(enrolment.enrolled)}`,
        )
      : line('hub', style.yellow('not enrolled'))),
    ...(enrolment ? linkLines(link, style, line) : []),
  ];
}

function linkLines(
  link: NodeStatusOutput['link'],
  style: Style,
  line: (label: string, text: string) => string[],
): string[] {
  if (!link) return line('link', style.yellow('never started'));
  const error = link.last_error;
  const seconds = Math.round((link.clock_skew_ms ?? 0) / 100) / 10;
  const skew = seconds === 0 ? '' : `, the hub's clock is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}`;
  const state = {
    up: `${style.green('up')} since ${formatTime(link.connected_since ?? link.updated)} with ${link.program}, ports ${link.nbd_ports.from}-${link.nbd_ports.to}, port ${link.reverse_port} at the hub${skew}`,
    connecting: `${style.yellow('connecting')} to ${link.hub}, attempt ${link.attempts}`,
    down: `${style.red('down')}${link.retry_at === null ? '' : `, tried again ${formatTime(link.retry_at)}`}`,
    stopped: style.yellow('not running'),
  }[link.state];
  const { way, state: disks, error: why, connections } = link.data;
  const reason = why === null ? '' : `: ${printable(why)}`;
  const data =
    way === 'tunnel'
      ? `with the link${reason}`
      : disks === 'up'
        ? `${style.green('up')}, by ${plural(connections, 'connection')} of their own${why === null ? '' : `, no more: ${printable(why)}`}`
        : `${style.yellow(disks)}, ${plural(connections, 'connection')} of their own${reason}`;
  return [
    ...line('link', state),
    ...(link.state === 'up' ? line('disks', data) : []),
    ...(error && link.state !== 'up'
      ? line('', `${formatTime(error.time)} ${printable(`${error.code}: ${error.message}`)}`).map(style.red)
      : []),
    ...(error && link.state !== 'up' ? line('', printable(error.remedy)) : []),
  ];
}
