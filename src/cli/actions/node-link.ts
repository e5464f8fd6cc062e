import type { CommandContext } from '../command.ts';

/** Speaks with the node over standard input and output, which sshd has joined with the session. */
export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const { stdin: input, stdout: output, env } = process;
  const key = String(context.options['key'] ?? '');
  return await hub.nodes.link(context.args[0] ?? '', { key, input, output, env });
}
