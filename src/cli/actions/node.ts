import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseDuration } from '../../time/duration.ts';
import { nodeAddedReport, nodeChange, nodeReport, nodesReport } from '../../view/reports/nodes-report.ts';
import { sshdConfigReport } from '../../view/reports/sshd-config-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

/** Speaks with the node over standard input and output, which sshd has joined with the session. */
export async function accept(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const { stdin: input, stdout: output, env } = process;
  const key = String(context.options['key'] ?? '');
  return await hub.nodes.accept(context.args[0] ?? '', { key, input, output, env });
}

const longestMs = 30 * 86_400_000;

export async function add(context: CommandContext): Promise<number> {
  const expiresMs = durationOf(context.options['expires'] as string);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.nodes.add({
    name: context.args[0] ?? '',
    expiresMs,
    again: context.options['again'] === true,
  });
  print(context, output, (options) => nodeAddedReport(output, options));
  return 0;
}

export function durationOf(text: string): number {
  const ms = /^[0-9]{1,9}(ms|s|m|h|d)$/.test(text) ? parseDuration(text) : 0;
  if (ms > 0 && ms <= longestMs) return ms;
  throw new SendenseError('usage', `--expires ${text}: it must be a duration of at most 30d, for example 1h`);
}

/** Speaks with the node over standard input and output, which sshd has joined with the session. */
export async function link(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const { stdin: input, stdout: output, env } = process;
  const key = String(context.options['key'] ?? '');
  return await hub.nodes.link(context.args[0] ?? '', { key, input, output, env });
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.nodes.list();
  print(context, output, (options) => nodesReport(output, options));
  return 0;
}

export async function remove(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.nodes.remove(context.args[0] ?? '');
  print(context, output, (options) => nodeChange(output, 'is removed; its key is refused from now on', options));
  return 0;
}

export async function rename(context: CommandContext): Promise<number> {
  const [name = '', to = ''] = context.args;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.nodes.rename(name, to);
  print(context, output, (options) => nodeChange(output, `was ${name} before`, options));
  return 0;
}

export async function revoke(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.nodes.revoke(context.args[0] ?? '');
  print(context, output, (options) => nodeChange(output, 'is revoked; its key is refused from now on', options));
  return 0;
}

export async function show(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.nodes.show(context.args[0] ?? '');
  print(context, output, (options) => nodeReport(output, options));
  return 0;
}

export async function sshdConfig(context: CommandContext): Promise<number> {
  const write = context.options['write'] === true;
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: !write });
  using signals = installSignals();
  const output = await hub.nodes.sshdConfig({
    check: context.options['check'] === true,
    write,
    configFile: context.options['sshdFile'] as string | undefined,
    signal: signals.gently,
  });
  print(context, output, (options) => sshdConfigReport(output, options));
  return output.differences.length > 0 ? 1 : 0;
}
