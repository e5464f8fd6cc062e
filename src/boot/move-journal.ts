import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { writeFileDurably } from '../host/files/files.ts';
import { parseJson } from '../schemas/parse-json.ts';
import { changeBoot, type BootRow } from '../state/boots/boots.ts';
import type { State } from '../state/database/open-state.ts';
import { journalName } from './boot-files.ts';
import { moveOf, type BootMove, type MovedDisk } from './boot-move.ts';

/**
 * How far a move is stands beside the VM, too: a database that was put back to what it was before would begin it again, over the file that
 * the guest writes to, or start the guest without what it wrote there.
 */
interface Journal {
  readonly format: typeof format;
  readonly move: BootMove;
}

const format = 'sendense-boot-move/1';
const states: readonly MovedDisk['state'][] = ['waiting', 'streaming', 'copied', 'done'];

/** Whether a move was begun, as it stands beside the VM. */
export const isMoving = ({ folder }: Pick<BootRow, 'folder'>): boolean => existsSync(join(folder, journalName));

/** Writes down how far a move is, durably: beside the VM first. */
export async function saveMove(state: State, { id, folder }: BootRow, move: BootMove): Promise<void> {
  await writeFileDurably(join(folder, journalName), `${JSON.stringify({ format, move } satisfies Journal)}\n`);
  const isDone = move.disks.every((disk) => disk.state === 'done');
  changeBoot(state, id, { move: JSON.stringify(move), ...(isDone ? { state: 'moved' } : {}) });
}

/**
 * The VM with its move as it stands beside it; the database learns it. The caller has claimed the VM.
 * @throws SendenseError `boot.failed` where the two tell of different moves, or what is there cannot be read: nothing is changed then
 */
export function recallMove(state: State, row: BootRow): BootRow {
  // Whatever is there of it goes.
  if (row.state === 'starting' || row.state === 'stopping') return row;
  const known = moveOf(row);
  const found = readJournal(row);
  if (found === null || JSON.stringify(found) === row.move) return row;
  if (known !== null && (known.directory !== found.directory || known.begun !== found.begun))
    throw unclear(
      row,
      `the database knows a move to ${known.directory}, and ${journalName} is of one to ${found.directory}`,
    );
  const isAhead =
    known === null || found.disks.every(({ number, state: far }) => rank(far) >= rank(ofDisk(known, number)));
  // What was put back is the file.
  if (!isAhead) return row;
  const isDone = found.disks.every((disk) => disk.state === 'done');
  const change = { move: JSON.stringify(found), ...(isDone ? ({ state: 'moved' } as const) : {}) };
  changeBoot(state, row.id, change);
  return { ...row, ...change };
}

const rank = (far: MovedDisk['state']): number => states.indexOf(far);
const ofDisk = ({ disks }: BootMove, number: number): MovedDisk['state'] =>
  disks.find((disk) => disk.number === number)?.state ?? 'waiting';

function readJournal(row: BootRow): BootMove | null {
  let text: string;
  try {
    text = readFileSync(join(row.folder, journalName), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw unclear(row, (error as Error).message);
  }
  const journal = read(text);
  if (journal?.format === format && isMove(journal.move)) return journal.move;
  throw unclear(row, `${journalName} is not as it was written`);
}

function read(text: string): Partial<Journal> | null {
  try {
    return parseJson(text) as Partial<Journal> | null;
  } catch {
    return null;
  }
}

const isMove = (move: Partial<BootMove> | undefined): move is BootMove =>
  typeof move?.directory === 'string' &&
  isAbsolute(move.directory) &&
  Array.isArray(move.disks) &&
  move.disks.every(({ number, path, state }) => Number.isInteger(number) && isAbsolute(path) && states.includes(state));

const unclear = ({ id, folder }: BootRow, why: string): SendenseError =>
  new SendenseError('boot.failed', `how far the data of ${id} has moved is not clear: ${why}`, {
    remedy: `Nothing was changed. Look at ${join(folder, journalName)}, and put the newest copy of the state database back.`,
  });
