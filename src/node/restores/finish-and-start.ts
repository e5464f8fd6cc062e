import { within } from '../../host/system/within.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { startInDoubt } from '../vsphere/vm-power.ts';
import { inDoubt, startBlindly, type BlindStart, type BlindlyStarted } from './start-blindly.ts';
import type { Unbroken } from './unbroken.ts';

/** What the end of a restore asks for. */
interface End extends BlindStart {
  readonly action: string;
  readonly power_on: boolean;
}

/** What it answers. */
interface Ended {
  /** Of the VM; null: it is not there. */
  readonly name: string | null;
  readonly powered_on: boolean;
  readonly warnings: string[];
}

interface Finishing {
  readonly unbroken: Unbroken;
  readonly refused: RefusedLogins;
  /** Of the caller. */
  readonly signal: AbortSignal;
  /** How long the answer waits for the start. Default two minutes. */
  readonly waitMs?: number;
}

/** The name of a start among the work of a node that goes on (`unbroken.ts`). */
export const startOf = (run: string): string => `start ${run}`;

/** How long anybody waits behind a start that goes on, ms. It can hang in vSphere for half an hour, and nothing is decided by it. */
const patienceMs = 5000;
/** Whoever asked for the start waits so long for what becomes of it, ms. */
const startMs = 2 * 60_000;

/**
 * Ends a restore, then starts its VM if it is to be started. The start is work of its own: who looks, or ends the restore again, does not
 * wait behind it. It goes on though its caller is gone or has waited long enough, and is not asked for twice.
 * @param end takes the mark away, or looks
 */
export async function finishAndStart<E extends Ended>(
  request: End,
  { unbroken, refused, signal, waitMs = startMs }: Finishing,
  end: (signal: AbortSignal) => Promise<E>,
): Promise<E> {
  const { run } = request;
  const { ended, starting } = await unbroken.act(run, signal, async (whole) => {
    const done = await end(whole);
    const { name } = done;
    if (request.action !== 'finish' || !request.power_on || name === null) return { ended: done, starting: null };
    // Not awaited here: nobody who looks waits for it.
    const begun = startOnce(unbroken, run, whole, () => startBlindly(request, name, refused, whole));
    begun.catch(() => undefined);
    return { ended: done, starting: { begun } };
  });
  if (starting === null) return ended;
  const { isOn, warnings } = (await within(starting.begun, waitMs)) ?? {
    isOn: ended.powered_on,
    warnings: [inDoubt(ended.name ?? '')],
  };
  return { ...ended, powered_on: isOn, warnings: [...ended.warnings, ...warnings] };
}

/** @returns null: an earlier start goes on, and vSphere does not say what becomes of it */
async function startOnce(
  unbroken: Unbroken,
  run: string,
  signal: AbortSignal,
  start: () => Promise<BlindlyStarted>,
): Promise<BlindlyStarted | null> {
  const name = startOf(run);
  if (unbroken.isGoing(name) && !(await unbroken.isOver(name, patienceMs, signal))) return null;
  return unbroken.act(name, signal, start);
}

/**
 * Waits a while behind a start of the run.
 * @throws SendenseError `vsphere.busy` where that goes on
 */
export async function assertStartOver(unbroken: Unbroken, run: string, signal: AbortSignal): Promise<void> {
  if (await unbroken.isOver(startOf(run), patienceMs, signal)) return;
  signal.throwIfAborted();
  throw startInDoubt();
}
