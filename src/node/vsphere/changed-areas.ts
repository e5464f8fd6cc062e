import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { VsphereDisk } from '../../schemas/types.ts';
import { parseChangeId } from './change-id.ts';
import { type Area, type AreaPage, collectAreas, uselessAnswer } from './collect-areas.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { type Fault, faultOf } from './fault.ts';
import { isGarbled } from './patiently.ts';
import { integer, list, type XmlValue } from './xml.ts';

/** A disk of a snapshot, as the snapshot's own configuration shows it. */
export interface TrackedDisk {
  readonly vm: Moref;
  readonly snapshot: Moref;
  readonly disk: Pick<VsphereDisk, 'key' | 'capacity_bytes' | 'change_id'>;
}

export interface AreaOptions {
  readonly signal?: AbortSignal | undefined;
  /** Before the first new attempt, ms; doubled each time. */
  readonly delay?: number;
}

/** `reset`: why the disk must be read whole. */
export type ChangedAreas = { readonly areas: readonly Area[] } | { readonly reset: string };

const attempts = 4;
/** A host that has much to compare takes its time. */
const answerMs = 5 * 60_000;

/**
 * What changed on a disk between the change id `since` and this snapshot.
 * @throws SendenseError `cbt.protocol` where the answers do not cover the disk, `vsphere.*`
 */
export async function queryChangedAreas(
  vsphere: Vsphere,
  tracked: TrackedDisk,
  since: string,
  options: AreaOptions = {},
): Promise<ChangedAreas> {
  const { change_id: now, capacity_bytes: capacity } = tracked.disk;
  if (now === null) return { reset: 'the snapshot shows no change id for this disk' };
  const [before, after] = [parseChangeId(since), parseChangeId(now)];
  if (before && after && before.uuid !== after.uuid)
    return { reset: `changed block tracking began anew since the last backup (${since}, now ${now})` };
  if (before && after && wentBack(before.sequence, after.sequence))
    return { reset: `change ids went back since the last backup (${since}, now ${now})` };
  try {
    return { areas: await collectAreas(capacity, (start) => askPatiently(vsphere, tracked, start, since, options)) };
  } catch (error) {
    options.signal?.throwIfAborted();
    const reset = resetReason(error);
    if (reset === null) throw error;
    return { reset };
  }
}

/**
 * Areas of a disk that were ever written, to skip the rest of a full; null where vSphere does not say or says all of it.
 * An optimisation: whatever goes wrong here is no obstacle.
 */
export async function allocatedAreas(
  vsphere: Vsphere,
  tracked: TrackedDisk,
  options: AreaOptions = {},
): Promise<readonly Area[] | null> {
  const { change_id: now, capacity_bytes: capacity } = tracked.disk;
  if (now === null) return null;
  try {
    const areas = await collectAreas(capacity, (start) => ask(vsphere, tracked, start, '*', options.signal));
    // An empty disk is read in no time; a server that knows nothing must not make it look empty.
    return areas.length === 0 || areas.some(({ length }) => length === capacity) ? null : areas;
  } catch {
    options.signal?.throwIfAborted();
    return null;
  }
}

/** Sequence numbers are opaque, yet one that falls tells of a disk that went back in time. */
const wentBack = (before: string, after: string): boolean =>
  /^[0-9]{1,15}$/.test(before) && /^[0-9]{1,15}$/.test(after) && Number(after) < Number(before);

/** Of these it is known what they mean; asking again gives the same answer. */
const keyMeanings: ReadonlyMap<string, string> = new Map([
  ['noTrack', 'vSphere did not keep track of this disk'],
  ['noEpoch', "vSphere does not know the last backup's moment any more"],
  ['cannotGetChanges', 'vSphere cannot tell what changed'],
]);

const keyMeaning = ({ messageKeys }: Fault): string | undefined =>
  messageKeys
    .map((key) => keyMeanings.get(/\bcbt\.(\w+)$/.exec(key)?.[1] ?? ''))
    .find((meaning) => meaning !== undefined);

/** Faults that speak of our request or of the VM, not of change tracking. */
const notOfTracking = new Set(['InvalidArgument', 'ManagedObjectNotFound', 'NoPermission', 'NotAuthenticated']);

/** Null: not a matter of tracking, so reading the whole disk is no answer to it. */
function resetReason(error: unknown): string | null {
  const useless = uselessAnswer(error);
  if (useless !== null) return useless;
  const fault = faultOf(error);
  const { code, message } = toSendenseError(error);
  // Asked again and again by now. Reading the disk needs no answer.
  if (!fault && code === 'vsphere.unreachable') return `vSphere gave no answer: ${message}`;
  if (!fault) return isGarbled(error) ? `vSphere gave no answer that is understood: ${message}` : null;
  const meaning = keyMeaning(fault);
  if (meaning !== undefined) return meaning;
  if (fault.name === 'InvalidArgument' && /(^|\.)changeId$/.test(fault.property ?? ''))
    return `vSphere does not accept the last backup's change id: ${message}`;
  return notOfTracking.has(fault.name) ? null : message;
}

async function askPatiently(
  vsphere: Vsphere,
  tracked: TrackedDisk,
  start: number,
  since: string,
  options: AreaOptions,
): Promise<AreaPage> {
  let pause = options.delay ?? 1_000;
  for (let attempt = 1; ; attempt++, pause *= 2) {
    try {
      return await ask(vsphere, tracked, start, since, options.signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (attempt === attempts || !mayPass(error)) throw error;
    }
    await delay(pause, undefined, { signal: options.signal });
  }
}

function mayPass(error: unknown): boolean {
  const fault = faultOf(error);
  // A call that got no answer was asked again already.
  if (!fault) return false;
  return !notOfTracking.has(fault.name) && keyMeaning(fault) === undefined;
}

async function ask(
  vsphere: Vsphere,
  { vm, snapshot, disk }: TrackedDisk,
  start: number,
  since: string,
  signal?: AbortSignal,
): Promise<AreaPage> {
  const answer = await vsphere.call(
    'QueryChangedDiskAreas',
    vm,
    [
      ['snapshot', snapshot],
      ['deviceKey', disk.key],
      ['startOffset', start],
      ['changeId', since],
    ],
    { timeoutMs: answerMs, ...(signal ? { signal } : {}) },
  );
  return {
    start: bytes(answer, 'startOffset'),
    length: bytes(answer, 'length'),
    areas: list(answer, 'changedArea').map((area) => ({
      offset: bytes(area, 'start'),
      length: bytes(area, 'length'),
    })),
  };
}

function bytes(value: XmlValue | undefined, name: string): number {
  const read = integer(value, name);
  if (typeof read === 'number') return read;
  throw new SendenseError('cbt.protocol', `${name} ${read} is beyond 2^53`);
}
