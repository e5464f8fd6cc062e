import { statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { kindOfFile } from '../../host/files/kind-of-file.ts';

/** What is in the way of a database of that name, and what helps. */
interface PlaceFault {
  readonly message: string;
  readonly remedy: string;
}

const usual = 'state: ./state/sendense.db';

/** Null: it is there, or can be made there as far as one can see. */
function faultOfPlace(path: string): PlaceFault | null {
  const facts = look(path);
  if (facts === 'loop') return { message: `the links at ${path} lead in a circle`, remedy: `Name a file: ${usual}` };
  if (facts?.isDirectory())
    return {
      message: `${path} is a folder`,
      remedy: `Name the file that the database shall be, for example: state: ${join(path, 'sendense.db')}`,
    };
  if (facts)
    return facts.isFile() ? null : { message: `${path} is ${kindOfFile(facts)}`, remedy: `Name a file: ${usual}` };
  const above = nearestAbove(path);
  return statSync(above).isDirectory()
    ? null
    : {
        message: `${above} is ${kindOfFile(statSync(above))}, not a folder`,
        remedy: `Name a file in a folder, for example: ${usual}. Or move ${above} away.`,
      };
}

/**
 * Before anything is opened or made: a folder gives errors that say nothing, and a pipe is waited for.
 * @param named what names it, as the user knows it, for messages: `state: ./s.db in /etc/sendense/sendense.yaml`
 * @throws SendenseError `state.unusable`
 */
export function assertStatePlace(path: string, named = `the state database ${path}`): void {
  const fault = faultOfPlace(path);
  if (fault)
    throw new SendenseError('state.unusable', `${named} cannot be used: ${fault.message}`, { remedy: fault.remedy });
}

/** As {@link assertStatePlace}, of a folder, such as the state folder of a node. */
export function assertFolderPlace(folder: string, named: string): void {
  const at = look(folder) === null ? nearestAbove(folder) : folder;
  const facts = look(at);
  if (facts !== 'loop' && facts?.isDirectory()) return;
  const what = facts === 'loop' || facts === null ? 'a link that leads nowhere' : kindOfFile(facts);
  throw new SendenseError('state.unusable', `${named} cannot be used: ${at} is ${what}, not a folder`, {
    remedy: `Name another folder, or move ${at} away.`,
  });
}

function look(path: string): Stats | 'loop' | null {
  try {
    return statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') return 'loop';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Of what is there, a link that leads nowhere aside. */
function nearestAbove(path: string): string {
  for (let at = dirname(path); ; at = dirname(at)) if (look(at) !== null || dirname(at) === at) return at;
}
