import { SendenseError } from '../../errors/sendense-error.ts';
import { parsePlace, pathOfText } from '../../files/choose/place-text.ts';
import type { FilesOutput, RestoreMountRequest } from '../../schemas/types.ts';
import type { Hub } from '../../hub/hub.ts';
import type { CommandContext } from '../command.ts';
import { findPoint } from '../find-point.ts';
import { linesFor, targetIn } from '../find-target.ts';
import { pointChoice } from '../point-option.ts';
import type { FilePlace } from '../../files/client/files-client.ts';

interface PointOptions {
  readonly repository?: string;
  readonly identity?: string;
}

/**
 * The restore point that `pgtest1`, `pgtest1@yesterday 18:00` or an id means.
 * @throws SendenseError `usage`, `point.unknown`
 */
export async function pointRequest(context: CommandContext, text: string): Promise<RestoreMountRequest> {
  return pointRequestIn(context, text, async (ask) => {
    await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
    return await ask(hub);
  });
}

/** {@link pointRequest}, with a hub that is opened by who asks, if it is needed. */
export async function pointRequestIn(
  context: CommandContext,
  text: string,
  withHub: (ask: (hub: Hub) => Promise<RestoreMountRequest>) => Promise<RestoreMountRequest>,
): Promise<RestoreMountRequest> {
  const { repository, identity } = context.options as PointOptions;
  const cut = text.lastIndexOf('@');
  const [vm, words] = cut > 0 ? [text.slice(0, cut), text.slice(cut + 1)] : [text, undefined];
  const more = {
    ...(repository === undefined || context.rescued !== undefined ? {} : { repository }),
    ...(identity === undefined ? {} : { identity }),
  };
  if (words !== undefined) {
    // What is wrong with it is told before anything is started.
    const choice = pointChoice(words);
    if (typeof choice === 'string' || context.reached === undefined) return { vm, point: words, ...more };
    // A time without a zone is one of this machine, not of the hub.
    return withHub(async (hub) => {
      const { point, repository: found } = await findPoint(hub, { name: vm, words, repository });
      return { vm, ...more, point, repository: found };
    });
  }
  return withHub(async (hub) => {
    const target = targetIn(await linesFor(hub, text, undefined), text);
    return target && 'point' in target
      ? { vm: await vmOf(hub, target.point), point: target.point, ...more }
      : { vm: text, ...more };
  });
}

/** Whether an open restore point is the one that a request means. */
export const isPoint =
  (
    context: CommandContext,
    { vm, point, repository, identity }: RestoreMountRequest,
  ): ((open: FilesOutput) => Promise<boolean>) =>
  async (open) => {
    if (open.vm !== vm || (repository !== undefined && open.repository !== repository)) return false;
    await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
    const chosen = { vm, repository: open.repository, choice: pointChoice(point ?? 'latest'), identity };
    return (await hub.choose(chosen)).backup_id === open.backup_id;
  };

async function vmOf(hub: Hub, point: string): Promise<string> {
  const line = (await hub.lines({})).find(({ backup_id: id }) => id === point);
  return line?.vm ?? '';
}

/** `VOLUME:/PATH`, or `/PATH` where one volume can be read. */
export function placeIn(files: FilesOutput, text: string): FilePlace {
  const place = parsePlace(text);
  if (!place)
    throw new SendenseError('usage', `${text} is no path in a volume`, {
      remedy: 'Write VOLUME:/PATH, for example disk-0p2:/etc/hostname. `sendense-run files POINT` lists the volumes.',
    });
  return { session: files.id, volume: place.volume ?? onlyVolume(files), path: pathOfText(place.path) };
}

/** @throws SendenseError `files.volume` */
function onlyVolume({ volumes }: FilesOutput): string {
  const readable = volumes.filter(({ state }) => state === 'readable');
  const [only] = readable;
  if (only !== undefined && readable.length === 1) return only.id;
  const names = (readable.length > 0 ? readable : volumes).map(({ id }) => id).join(', ');
  throw new SendenseError(
    'files.volume',
    readable.length === 0 ? `no volume can be read; there are ${names || 'none'}` : `say which volume: ${names}`,
    { remedy: 'Write VOLUME:/PATH, for example disk-0p2:/etc/hostname.' },
  );
}
