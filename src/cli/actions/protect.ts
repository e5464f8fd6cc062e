import { SendenseError } from '../../errors/sendense-error.ts';
import { formatTime } from '../../view/format.ts';
import { fit } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { toNamedPoint } from '../marked-point.ts';
import { nameOfUser } from '../name-of-user.ts';
import { print } from '../print.ts';

/** Longest reason, in characters: it stands in lists. */
const longestReason = 500;

export async function action(context: CommandContext): Promise<number> {
  const { until, reason = '' } = context.options as Readonly<Record<string, string | undefined>>;
  if (reason.length > longestReason) throw usage(`--reason has more than ${longestReason} characters`);
  const end = until === undefined ? null : timeOf(until);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await toNamedPoint(context, hub, (point) =>
    hub.retention.protect({ ...point, until: end, reason, by: nameOfUser() }),
  );
  print(context, output, ({ columns }) =>
    fit(
      `${output.backup_id} of ${output.vm} is protected ${end === null ? 'for ever' : `until ${formatTime(end)}`}`,
      columns,
    ),
  );
  return 0;
}

/** A day lasts to its end, in local time; a time without a zone is local. */
function timeOf(text: string): number {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
  const iso = text.trim().replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T');
  const time = day
    ? new Date(`${text.trim()}T23:59:59.999`)
    : new Date(/^\d{4}-\d{2}-\d{2}T/.test(iso) ? iso : Number.NaN);
  // 31 April would become 1 May.
  if (Number.isNaN(time.getTime()) || (day && time.getDate() !== Number(day[3])))
    throw usage(`--until ${text}: not a day such as 2027-06-30`);
  if (time.getTime() <= Date.now()) throw usage(`--until ${text} is over already`);
  return time.getTime();
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run protect --help`.' });
