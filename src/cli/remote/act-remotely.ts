import { SendenseError } from '../../errors/sendense-error.ts';
import { pathsOfAnotherMachine } from '../../view/reports/error-report.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { atHub } from './at-hub.ts';
import { connectHub } from './hub-connection.ts';
import { hubAsked } from './hub-place.ts';
import { remoteFiles } from './remote-files.ts';
import { remoteHub } from './remote-hub.ts';
import type { Way } from './way.ts';
import { ways } from './ways.ts';

/**
 * Does a command at the hub that `--hub` names.
 * @param path the words of the command: `repo gc`
 * @throws SendenseError `usage`, `remote.at-hub`, `remote.token`; what the command throws
 */
export async function actRemotely(
  definition: CommandDefinition,
  path: string,
  context: CommandContext,
): Promise<number> {
  const way = ways[path] ?? { how: 'at-hub', why: 'this version does not know how' };
  if (way.how === 'at-hub') throw atHub(path, way.why);
  assertOptions(path, way, context);
  const place = hubAsked(context.options);
  if (place === undefined || way.how === 'here') {
    const { action } = (await definition.load?.()) ?? {};
    return action ? await action(context) : 2;
  }
  using hub = connectHub(place);
  using _paths = pathsOfAnotherMachine();
  const reached = {
    ...context,
    reached: place.words,
    remoteFiles: remoteFiles(hub),
    openHub: async () => remoteHub(hub),
  };
  // Awaited: the connection is closed when this returns.
  try {
    if (way.how === 'act') return await (await way.load())(reached, hub);
    const { action } = (await definition.load?.()) ?? {};
    return action ? await action(reached) : 2;
  } catch (error) {
    throw asUsage(error);
  }
}

/** What the hub finds wrong with a request is what stands in the command line. */
function asUsage(error: unknown): unknown {
  if (!(error instanceof SendenseError) || error.code !== 'request.invalid' || error.details?.['status'] !== 400)
    return error;
  const { message, remedy, entry } = error;
  return new SendenseError('usage', message, { cause: error, ...(remedy === entry.remedy ? {} : { remedy }) });
}

/** @throws SendenseError `remote.at-hub` for what the API has nothing for */
function assertOptions(path: string, way: Way, { options }: CommandContext): void {
  if (way.how !== 'hub' && way.how !== 'act') return;
  for (const [name, why] of Object.entries(way.without ?? {}))
    if (options[name] !== undefined && options[name] !== false)
      throw atHub(`${path} --${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, why);
}
