import { setTimeout as delay } from 'node:timers/promises';
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

/**
 * Powers a VM on. vSphere waits with that as long as the VM asks something: then it is told to give up.
 * @returns what the VM asks; null: nothing
 * @throws SendenseError `vsphere.*`
 */
export async function powerOn(vsphere: Vsphere, vm: Moref, signal: AbortSignal): Promise<string | null> {
  const given = { up: new AbortController(), over: new AbortController() };
  const looking = untilAsked(vsphere, vm, AbortSignal.any([signal, given.over.signal])).then((question) => {
    if (question !== null) given.up.abort();
    return question;
  });
  try {
    const limit = AbortSignal.any([signal, given.up.signal]);
    await vsphere.task('PowerOnVM_Task', vm, [], { signal: limit, cancelMs });
  } catch (error) {
    signal.throwIfAborted();
    if (!given.up.signal.aborted) throw error;
  } finally {
    given.over.abort();
  }
  // Awaited: nobody looks any more when this returns.
  return await looking;
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
