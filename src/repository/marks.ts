import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readRegularNow } from '../host/files/regular-file.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { parseJson } from '../schemas/parse-json.ts';
import type { PointMarks, PointUse } from '../schemas/types.ts';
import { validatorOf } from '../schemas/validator.ts';
import { removeTextNow, replaceTextNow } from './vm-lock/fenced.ts';
import type { VmHold } from './vm-lock/vm-hold.ts';

/** `schemas/point-marks.json`. */
export type Marks = Omit<PointMarks, 'checksum'>;

export interface MarksChange extends Partial<Pick<Marks, 'protected' | 'broken' | 'adopted'>> {
  /** Of what VMs run from it at the time of the change, and at whose hubs, it makes what they are from now on. */
  readonly used?: (uses: readonly PointUse[]) => readonly PointUse[];
}

const format = 'sendense-point-marks/1';

/** Bytes: marks that name 1,024 broken disks have some 200 KB. */
const mostBytes = 1024 * 1024;

/** Beside the manifest, relative to the repository. It is the truth; the state database has a copy. */
export const marksPath = (context: string, backupId: string): string => join(context, `${backupId}.marks`);

/** Null: nothing was ever marked. @throws SendenseError `repository.damaged` for a file that is not as it was written */
export const readMarks = async (root: string, context: string, backupId: string): Promise<Marks | null> =>
  readMarksNow(root, context, backupId);

function readMarksNow(root: string, context: string, backupId: string): Marks | null {
  const path = marksPath(context, backupId);
  let text: string;
  try {
    text = readRegularNow(join(root, path), mostBytes).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SendenseError('repository.damaged', `${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const marks = marksIn(text);
  if (marks !== null) return marks;
  throw new SendenseError('repository.damaged', `${path} is not as it was written`, {
    remedy:
      'Remove the file. If the restore point was protected, protect it again. `verify` finds broken restore points.',
  });
}

/**
 * Changes the marks that are named, durably: after a crash the old or the new ones are there. Within one turn of the event
 * loop. A damaged file is replaced; where nothing is marked any more, there is no file.
 * @param hold of the VM's marks
 * @throws SendenseError `run.overtaken`
 */
export function writeMarks(hold: VmHold, backupId: string, { used, ...change }: MarksChange): Marks {
  const { root, context } = hold;
  const { used: before = [], ...others } = readable(root, context, backupId) ?? {};
  const uses = used ? used(before) : before;
  const marks: Marks = {
    format,
    protected: null,
    broken: null,
    ...others,
    ...change,
    ...(uses.length > 0 ? { used: [...uses] } : {}),
  };
  const path = join(root, marksPath(context, backupId));
  if (marks.protected || marks.broken || marks.adopted || marks.used) replaceTextNow(hold, path, textOf(marks));
  else removeTextNow(hold, path);
  return marks;
}

function readable(root: string, context: string, backupId: string): Marks | null {
  try {
    return readMarksNow(root, context, backupId);
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'repository.damaged') return null;
    throw error;
  }
}

/** The one that lasts longer. */
export function longerProtection(a: Marks['protected'], b: Marks['protected']): Marks['protected'] {
  if (a === null || b === null) return a ?? b;
  return a.until === null || (b.until !== null && a.until >= b.until) ? a : b;
}

/** What was said last. */
export const laterAdoption = (
  a: NonNullable<Marks['adopted']> | null,
  b: NonNullable<Marks['adopted']> | null,
): NonNullable<Marks['adopted']> | null => (a === null || b === null ? (a ?? b) : a.since >= b.since ? a : b);

function textOf(marks: Marks): string {
  const { protected: kept, broken, adopted, used } = marks;
  // Without `adopted` and `used` it is the text that older versions read.
  const said = [format, kept, broken, ...(adopted || used ? [adopted ?? null] : []), ...(used ? [used] : [])];
  const checksum = `sha256:${createHash('sha256').update(JSON.stringify(said)).digest('hex')}`;
  const more = { ...(adopted ? { adopted } : {}), ...(used ? { used } : {}) };
  return `${JSON.stringify({ format, protected: kept, broken, ...more, checksum }, null, 2)}\n`;
}

/** Of the text of a file; null: it is not the very text that these marks are written as. */
export function marksIn(text: string): Marks | null {
  try {
    const value: unknown = parseJson(text);
    if (!validatorOf('point-marks.json')(value)) return null;
    const { checksum: _checksum, ...marks } = value as PointMarks;
    return textOf(marks) === text ? marks : null;
  } catch {
    return null;
  }
}
