import type { CommandContext } from './command.ts';

/** Asks a question on the terminal; anything but y or yes is no. False where nobody can be asked. */
export async function confirmed({ askLine }: Pick<CommandContext, 'askLine'>, question: string): Promise<boolean> {
  const answer = await askLine?.(`${question} [y/N] `);
  return answer !== undefined && /^y(es)?$/i.test(answer.trim());
}
