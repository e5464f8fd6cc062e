import { SendenseError } from '../errors/sendense-error.ts';
import { notReadable } from '../restore-points/choose/left-out.ts';
import type { Hub, ListLine, PointFilter } from '../hub/hub.ts';
import { didYouMean } from '../errors/findings/did-you-mean.ts';

/**
 * What `VM|POINT` on a command line means: a VM where one has that name, else a restore point.
 * @throws SendenseError `point.unknown`, with what may have been meant
 */
export async function findTarget(
  hub: Hub,
  name: string | undefined,
  repository: string | undefined,
  rescued?: string,
): Promise<PointFilter> {
  if (name === undefined) return { repository };
  const points = await linesFor(hub, name, repository);
  const found = targetIn(points, name);
  if (found) return { ...found, repository };
  throw notReadable(hub.leftOut(undefined), name) ?? unknownName(points, name, 'no VM and no restore point', rescued);
}

/** The lines of the VM of that name. There may be ten thousand of others: they are read where no VM has the name. */
export async function linesFor(
  hub: Hub,
  name: string | undefined,
  repository: string | undefined,
): Promise<readonly ListLine[]> {
  const own = name === undefined ? [] : await hub.lines({ repository, vm: name });
  return own.length > 0 ? own : hub.lines({ repository });
}

type NamedPoint = Pick<ListLine, 'vm' | 'backup_id'>;

/** A VM of that name, else a restore point of that id. */
export function targetIn(points: readonly NamedPoint[], name: string): { vm: string } | { point: string } | undefined {
  if (points.some(({ vm }) => vm === name)) return { vm: name };
  return points.some(({ backup_id }) => backup_id === name) ? { point: name } : undefined;
}

/** Where nothing is known at all, perhaps only the database is lost. */
export const importHint =
  'Where the repository has restore points that this hub does not know (a lost database, a copied repository), `sendense-run repo import NAME` enters them, and `--repository PATH` reads them without settings and database.';

/**
 * `point.unknown`, with what may have been meant.
 * @param what `no VM and no run`
 * @param rescued the repository that is read with nothing else known: nothing could be imported
 */
export function unknownName(
  points: readonly NamedPoint[],
  name: string,
  what: string,
  rescued?: string,
): SendenseError {
  const near = didYouMean(name, new Set(points.flatMap(({ vm, backup_id }) => [vm, backup_id])));
  const hint = near === null ? '' : `; did you mean ${near}?`;
  return new SendenseError('point.unknown', `${what} has the name ${name}${hint}`, remedyFor(points, what, rescued));
}

function remedyFor(points: readonly NamedPoint[], what: string, rescued: string | undefined): { remedy?: string } {
  if (rescued !== undefined) return { remedy: `See \`sendense-run list --repository ${rescued}\`.` };
  if (!what.includes('run')) return {};
  const empty = points.length === 0 ? `. ${importHint}` : '.';
  return { remedy: `See \`sendense-run list\` and \`sendense-run status\`${empty}` };
}

/** `usage`: the settings have no repository of that name. */
export function unknownRepository(name: string, names: readonly string[]): SendenseError {
  const near = didYouMean(name, names);
  const meant = near === null ? '' : `; did you mean ${near}?`;
  return new SendenseError('usage', `--repository: sendense.yaml has no repository ${name}${meant}`, {
    remedy: `It has ${names.join(', ')}. For the path of a repository write a slash: ./${name}`,
  });
}
