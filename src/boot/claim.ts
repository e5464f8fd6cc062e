import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../errors/sendense-error.ts';
import { bootId, isRunning, thisPlace, thisProcess } from '../host/programs/process-identity.ts';
import type { State } from '../state/database/open-state.ts';
import { claimBoot, findBoot, releaseBoot, type BootRow } from '../state/boots/boots.ts';
import { recallMove } from './move-journal.ts';

/** What one process does to a VM takes so long at most, ms; a move goes on without anybody. */
const patienceMs = 60_000;
const betweenMs = 50;

export interface WithBootOptions {
  /** How long it waits for who else does something to the VM. */
  readonly waitMs?: number;
  /** Also where it is not clear how far its move is: the VM is to go. */
  readonly anyMove?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does something to a VM that nobody else may do at the same time.
 * @throws SendenseError `boot.unknown`, `boot.busy`, `boot.elsewhere`, `boot.failed` as `recallMove`
 */
export async function withBoot<T>(
  state: State,
  id: string,
  act: (row: BootRow) => Promise<T>,
  { waitMs = patienceMs, anyMove = false, signal }: WithBootOptions = {},
): Promise<T> {
  const row = await claimed(state, id, waitMs, signal);
  try {
    assertHere(row);
    return await act(anyMove ? recallIfClear(state, row) : recallMove(state, row));
  } finally {
    // Where it is gone by now there is nothing to release.
    releaseBoot(state, id);
  }
}

function recallIfClear(state: State, row: BootRow): BootRow {
  try {
    return recallMove(state, row);
  } catch {
    return row;
  }
}

async function claimed(state: State, id: string, waitMs: number, signal: AbortSignal | undefined): Promise<BootRow> {
  const until = performance.now() + waitMs;
  for (;;) {
    const { claimed: row, by } = claimBoot(state, id, thisProcess(), isRunning);
    if (row !== null) return row;
    if (by === null) throw unknownBoot(id);
    if (performance.now() >= until) throw new SendenseError('boot.busy', `process ${by.pid} works on ${id}`);
    await delay(betweenMs, undefined, { signal });
  }
}

/** The VM as it is known now. @throws SendenseError `boot.unknown` */
export function knownBoot(state: State, id: string): BootRow {
  const row = findBoot(state, id);
  if (!row) throw unknownBoot(id);
  return row;
}

const unknownBoot = (id: string): SendenseError =>
  new SendenseError('boot.unknown', `there is no VM ${id} that was started from a restore point`);

/** Where its processes were started: `here`, in a `past` boot of this machine, or where they cannot be seen. */
export function placeOf({ place }: Pick<BootRow, 'place'>): 'here' | 'past' | 'elsewhere' {
  if (place === thisPlace()) return 'here';
  return place.startsWith(`${bootId()} `) ? 'elsewhere' : 'past';
}

/** @throws SendenseError `boot.elsewhere` */
function assertHere(row: BootRow): void {
  if (placeOf(row) === 'elsewhere')
    throw new SendenseError(
      'boot.elsewhere',
      `${row.id} was started in another container, where this process sees nothing`,
    );
}
