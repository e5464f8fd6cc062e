import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';
import { runningTask } from './running-task.ts';
import { ended } from './task.ts';
import type { Vsphere } from './vsphere.ts';
import { optionalText, type Moref } from './xml.ts';

/** What vSphere says of a VM from outside of its guest. */
export interface VmPower {
  readonly state: 'on' | 'off' | 'suspended';
  /** Whether VMware Tools run in its guest. */
  readonly tools: boolean;
  /** IP address of the guest; null: it is not known. */
  readonly address: string | null;
  /** What it asks, and waits for an answer to; null: nothing. */
  readonly question: string | null;
}

const paths = ['runtime.powerState', 'runtime.question', 'guest.toolsRunningStatus', 'guest.ipAddress'];
const states: Readonly<Record<string, VmPower['state']>> = { poweredOn: 'on', suspended: 'suspended' };
/** Between two looks, ms. */
const pauses = { first: 200, last: 2000 };
/** A start that was cancelled leaves nothing to clean up: its end is not awaited for long, ms. */
const cancelMs = 5000;

/** @returns null: there is no such VM (any more) */
export async function lookAtPower(vsphere: Vsphere, vm: Moref, signal?: AbortSignal): Promise<VmPower | null> {
  const [found] = await vsphere.properties([vm], paths, signal ? { signal } : {});
  if (!found) return null;
  const of = (path: string): string => optionalText(found.values.get(path)) ?? '';
  const question = found.values.get('runtime.question');
  return {
    state: states[of('runtime.powerState')] ?? 'off',
    tools: of('guest.toolsRunningStatus') === 'guestToolsRunning',
    address: of('guest.ipAddress') || null,
    question: question === undefined ? null : (optionalText(question, 'text') ?? 'something that vSphere does not say'),
  };
}

/** What became of a start. */
export type Started =
  | { readonly is: 'on' }
  | { readonly is: 'asking'; readonly question: string }
  /** vSphere was told to start it, and cannot be asked what became of that. */
  | { readonly is: 'unknown' };

const starts = /^VirtualMachine\.powerOn$/;

/** Whether vSphere starts the VM just now, whoever has told it to. */
export const isStarting = async (vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<boolean> =>
  (await runningTask(vsphere, vm, starts, signal)) !== null;

/** Who is told that nobody knows whether a VM starts. */
export const startInDoubt = (): SendenseError =>
  new SendenseError('vsphere.busy', 'vSphere was told to start the VM, and has not answered yet', {
    remedy: 'Nobody knows whether it starts. Look at the VM in vSphere.',
  });

/**
 * Powers a VM on. vSphere waits with that as long as the VM asks something: then it is told to give up. A start that goes on already is
 * waited for, and not asked for twice.
 * @throws SendenseError `vsphere.*` where it did not start
 */
export async function powerOn(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<Started> {
  const given = { up: new AbortController(), over: new AbortController() };
  const looking = untilAsked(vsphere, vm, AbortSignal.any([signal, given.over.signal])).then((question) => {
    if (question !== null) given.up.abort();
    return question;
  });
  try {
    const limit = AbortSignal.any([signal, given.up.signal]);
    if (!(await start(vsphere, vm, limit))) return { is: 'unknown' };
  } catch (error) {
    signal.throwIfAborted();
    if (!given.up.signal.aborted) throw error;
  } finally {
    given.over.abort();
  }
  // Awaited: nobody looks any more when this returns.
  const question = await looking;
  return question === null ? { is: 'on' } : { is: 'asking', question };
}

/** @returns false: nobody knows */
async function start(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<boolean> {
  const before = await runningTask(vsphere, vm, starts, signal);
  if (before !== null) return (await ended(vsphere, before.task, 'PowerOnVM', signal), true);
  try {
    await vsphere.task('PowerOnVM_Task', vm, [], { signal, cancelMs });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!mayHaveStarted(error)) throw error;
    const isOn = await hasStarted(vsphere, vm, signal).catch(() => null);
    signal.throwIfAborted();
    if (isOn === false) throw error;
    return isOn !== null;
  }
}

/** Its answer was lost, or somebody else was quicker. */
const mayHaveStarted = (error: unknown): boolean =>
  ['TaskInProgress', 'InvalidPowerState'].includes(faultOf(error)?.name ?? '') ||
  (faultOf(error) === null && toSendenseError(error).code === 'vsphere.unreachable');

async function hasStarted(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<boolean> {
  const going = await runningTask(vsphere, vm, starts, signal);
  if (going !== null) await ended(vsphere, going.task, 'PowerOnVM', signal);
  return (await lookAtPower(vsphere, vm, signal))?.state === 'on';
}

/** @returns null: it had asked nothing when the signal aborted */
async function untilAsked(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<string | null> {
  for (let pause = pauses.first; !signal.aborted; pause = Math.min(2 * pause, pauses.last)) {
    await delay(pause, undefined, { signal }).catch(() => undefined);
    // Whether the VM starts is known by the task. A look that fails is none.
    const seen = signal.aborted ? null : await lookAtPower(vsphere, vm, signal).catch(() => null);
    if (seen?.question != null) return seen.question;
  }
  return null;
}

/**
 * Looks until VMware Tools run, the VM is not on, it asks something, or the time is over.
 * @returns null: there is no such VM any more
 */
export async function untilTold(
  vsphere: Vsphere,
  vm: Moref,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<VmPower | null> {
  const end = performance.now() + waitMs;
  for (let pause = pauses.first; ; pause = Math.min(2 * pause, pauses.last)) {
    const seen = await lookAtPower(vsphere, vm, signal);
    const left = end - performance.now();
    if (seen?.state !== 'on' || seen.tools || seen.question !== null || left <= 0) return seen;
    await delay(Math.min(pause, left), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
