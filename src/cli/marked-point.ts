import { SendenseError } from '../errors/sendense-error.ts';
import type { Hub } from '../hub/hub.ts';
import type { CommandContext } from './command.ts';
import { warnOfUnlisted } from './warn-of-unlisted.ts';
import { findPoint } from './find-point.ts';

/**
 * Does to a restore point what `act` does: to the one whose id was named, or to the one of a VM that `--point` means.
 * @throws SendenseError `usage` where a VM is named without `--point`
 */
export async function toNamedPoint<T>(
  context: CommandContext,
  hub: Hub,
  act: (point: { readonly point: string; readonly repository: string | undefined }) => Promise<T>,
): Promise<T> {
  const { args, options } = context;
  const [name = ''] = args;
  warnOfUnlisted(context, hub);
  const { point: words, repository } = options as Readonly<Record<string, string | undefined>>;
  // Awaited: the hub is closed when this returns.
  if (words !== undefined) return await act(await findPoint(hub, { name, words, repository }));
  try {
    return await act({ point: name, repository });
  } catch (error) {
    const unknown = error instanceof SendenseError && error.code === 'point.unknown';
    if (!unknown || !(await hub.lines({ repository, vm: name })).some(({ vm }) => vm === name)) throw error;
    throw new SendenseError('usage', `${name} is a VM: say which of its restore points with --point`, { cause: error });
  }
}
