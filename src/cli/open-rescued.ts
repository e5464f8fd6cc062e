import { clearDeadRescues } from '../hub/rescue/clear-dead-rescues.ts';
import { openRescue, type RescueRequest } from '../hub/rescue/open-rescue.ts';
import { rescueName } from '../hub/rescue/rescue.ts';
import { exposureOf } from '../plan/yaml/exposed-secrets.ts';
import { printable } from '../view/text.ts';
import type { CommandContext } from './command.ts';

/**
 * A command's context for a repository that is read with nothing else known: every hub that it opens is of that repository alone. What was
 * made for it goes at the end.
 */
export async function openRescued(
  context: CommandContext,
  asked: RescueRequest,
): Promise<{ readonly context: CommandContext } & AsyncDisposable> {
  const warn = (message: string): void =>
    void context.terminal.stderr.write(`${context.terminal.errorStyle.yellow('warning:')} ${printable(message)}\n`);
  for (const { secret } of asked.keys) {
    const exposed = secret.file === undefined ? null : exposureOf(secret.file);
    if (exposed) warn(`${exposed.message}: ${exposed.remedy}`);
  }
  for (const trouble of await clearDeadRescues((rescue) => context.openHub({ startFolder: '/', rescue })))
    warn(trouble);
  const rescue = await openRescue(asked);
  for (const warning of rescue.warnings) warn(warning);
  return {
    context: {
      ...context,
      options: { ...context.options, repository: rescueName },
      rescued: asked.path,
      openHub: (options) => context.openHub({ ...options, rescue }),
    },
    [Symbol.asyncDispose]: () => rescue[Symbol.asyncDispose](),
  };
}
