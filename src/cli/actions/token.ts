import { SendenseError } from '../../errors/sendense-error.ts';
import type { Granted } from '../../hub/access/granted.ts';
import { ageMs, monthsNotMinutes } from '../../schemas/age-ms.ts';
import { newTokenReport, tokenChange, tokensReport } from '../../view/reports/tokens-report.ts';
import type { CommandContext } from '../command.ts';
import { nameOfUser } from '../name-of-user.ts';
import { noted } from '../noted.ts';
import { print } from '../print.ts';

export async function create(context: CommandContext): Promise<number> {
  const { options, args } = context;
  const [name = ''] = args;
  const expires = endOf(String(options['expires']));
  const granted: Granted = {
    roles: (options['role'] as string[] | undefined) ?? [],
    vms: (options['vm'] as string[] | undefined) ?? null,
  };
  const facts = {
    token: name,
    roles: granted.roles.join(' '),
    ...(granted.vms && { vms: granted.vms.join(' ') }),
    expires: expires === null ? 'never' : new Date(expires).toISOString(),
  };
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await noted(hub, 'createToken', facts, () =>
    hub.tokens.create({ name, expires, by: nameOfUser(), ...granted }),
  );
  print(context, output, (to) => newTokenReport(output, to));
  return 0;
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.tokens.list();
  print(context, output, (options) => tokensReport(output, options));
  return 0;
}

export async function revoke(context: CommandContext): Promise<number> {
  const [name = ''] = context.args;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await noted(hub, 'revokeToken', { token: name }, () => hub.tokens.revoke(name));
  print(context, output, (options) => tokenChange(output, 'is refused from now on', options));
  return 0;
}

/** `never`, or a span from now. @throws SendenseError `usage` */
export function endOf(text: string): number | null {
  if (text === 'never') return null;
  const span = /^[1-9][0-9]{0,4}(h|d|w|mo|y)$/.test(text) ? ageMs(text) : Number.NaN;
  const end = Date.now() + span;
  if (Number.isSafeInteger(Math.trunc(end)) && end < latest) return Math.trunc(end);
  throw new SendenseError('usage', `--expires ${text} is not a span of time`, {
    remedy: monthsNotMinutes(text) ?? 'Write for example 12h, 30d, 6mo, 1y, or never.',
  });
}

/** The last day that people can write, ms since the epoch. */
const latest = Date.UTC(10_000, 0, 1);
