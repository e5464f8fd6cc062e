import { parse } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { PointChoice } from '../../schemas/types.ts';
import { choosePoint } from '../../state/points/choose-point.ts';

/** A restore point of a repository that could not be read in; or all of a VM. */
export interface LeftOutPoint {
  /** The VM's folder. */
  readonly context: string;
  /** Null: nobody knows which restore points the VM has. */
  readonly backupId: string | null;
  readonly reason: string;
}

/** @param refused why files were refused, by their path in the repository. One with the marks of a restore point leaves none out. */
export const leftOutPoints = (refused: ReadonlyMap<string, string>): LeftOutPoint[] =>
  [...refused].flatMap(([path, reason]): LeftOutPoint[] => {
    const { dir, name, ext } = parse(path);
    if (dir === '') return [{ context: path, backupId: null, reason }];
    return ext === '.json' ? [{ context: dir, backupId: name, reason }] : [];
  });

/** Those that may have been meant, where this one was chosen: what somebody names by its id was meant. */
export function perhapsMeant(
  leftOut: readonly LeftOutPoint[],
  { context, choice, than }: { readonly context: string; readonly choice: PointChoice; readonly than: string | null },
): LeftOutPoint[] {
  if (typeof choice === 'string' && choice !== 'latest') return [];
  return leftOut.filter(
    (point) => point.context === context && (point.backupId === null || (isAfter(point, than) && fits(point, choice))),
  );
}

/** Ids begin with a second. Of two in the same one, either may be the later. */
const isAfter = ({ backupId }: LeftOutPoint, than: string | null): boolean =>
  than === null || secondOf(backupId ?? '') >= secondOf(than);

const secondOf = (id: string): string => id.split('-', 1)[0] ?? '';

function fits({ backupId }: LeftOutPoint, choice: PointChoice): boolean {
  const [, day, hour, minute, second] = /^(\d{8})T(\d{2})(\d{2})(\d{2})Z/.exec(backupId ?? '') ?? [];
  const created = Date.parse(`${day?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${hour}:${minute}:${second}Z`);
  // An id that says no time may be of any.
  if (Number.isNaN(created)) return true;
  const point = { backup_id: backupId ?? '', created, started: created, sequence: created };
  return choosePoint([point], choice, Date.now()).fitting.length > 0;
}

/**
 * What is to be said in place of "there is none" of a VM, or of a restore point by its id, that is there and could not be read in.
 * Null: there is none.
 */
export function notReadable(leftOut: readonly LeftOutPoint[], name: string): SendenseError | null {
  const found = leftOut.filter(({ context, backupId }) => context === name || backupId === name);
  return found.length === 0 ? null : unreadable(found);
}

/** {@link notReadable} of what a choice may have meant where nothing fits it: other errors stay as they are. */
export function orNotReadable(
  error: unknown,
  leftOut: readonly LeftOutPoint[],
  { context, choice }: { readonly context: string; readonly choice: PointChoice },
): unknown {
  if (!(error instanceof SendenseError) || error.code !== 'point.unknown') return error;
  const own = leftOut.filter((point) => point.context === context);
  const named = own.filter(({ backupId }) => backupId === choice);
  const meant = named.length > 0 ? named : perhapsMeant(own, { context, choice, than: null });
  return meant.length === 0 ? error : unreadable(meant);
}

function unreadable(found: readonly LeftOutPoint[]): SendenseError {
  const [first] = found;
  const message =
    found.length === 1 && first?.backupId != null
      ? `restore point ${first.backupId} of VM ${first.context} is there, but cannot be read: ${first.reason}`
      : `VM ${first?.context} has restore points, but none that was meant can be read: ${leftOutText(found, 10)}`;
  return new SendenseError('chain.damaged', message, {
    remedy:
      'Put the files that are missing or damaged back from a copy of the repository; `sendense-run check` with the same --repository names them. Disks whose own files are whole can be restored without Sendense: “Without Sendense” in docs/restore.md.',
  });
}

/** More are counted only. */
const usuallyTold = 3;

/** `20261123T014038Z-0204eb (disk-0/….index is missing)`. */
export const leftOutText = (points: readonly LeftOutPoint[], mostTold = usuallyTold): string =>
  [
    ...points
      .slice(0, mostTold)
      .map(({ context, backupId, reason }) => `${backupId ?? `restore points of ${context}`} (${reason})`),
    ...(points.length > mostTold ? [`and ${points.length - mostTold} more`] : []),
  ].join('; ');
