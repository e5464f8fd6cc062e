import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseNbdList } from '../../host/nbd/nbd-list.ts';
import type {
  InPlaceChecked,
  InPlaceCheckRequest,
  InPlaceEnded,
  InPlaceEndRequest,
  InPlaceStartRequest,
} from '../../schemas/types.ts';
import type { WorkPlace } from '../../sources/job-work.ts';
import { holdJob, holdDisks, isJobHeld } from '../sources/vsphere/job-hold.ts';
import { nodeIdOf } from '../sources/vsphere/node-id.ts';
import { changedSince } from '../vsphere/in-place/changed-since.ts';
import { finishInPlace, inPlaceState, releaseInPlace, type InPlaceState } from '../vsphere/in-place/end-in-place.ts';
import { findOriginal, inPlaceVm } from '../vsphere/in-place/in-place-vm.ts';
import { inPlaceNoteIn } from '../vsphere/in-place/in-place-mark.ts';
import { restoreInPlace, type BackDisk, type Phase } from '../vsphere/in-place/restore-in-place.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { checkVddkForWriting } from '../vsphere/transports/vddk.ts';
import type { Moref } from '../vsphere/xml.ts';
import { openSession } from './vsphere-session.ts';

/**
 * Finds out all that speaks against a restore in place. Nothing is changed.
 * @throws SendenseError `source.missing`, `target.unfit`, `transport.unavailable`, `vsphere.*`
 */
export async function checkInPlace(
  request: InPlaceCheckRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<InPlaceChecked> {
  const { instance_uuid: uuid, name, disks, power_on: powerOn, judged = false } = request;
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  await checkVddkForWriting({ spec: session.spec, signal });
  const object = await findOriginal(vsphere, { uuid, name }, signal);
  const found = await inPlaceVm(vsphere, object, disks, { powerOn, judged, signal });
  const { mark, seen } = found;
  const note = inPlaceNoteIn(seen.values.get('config.extraConfig'));
  return {
    vm: object.value,
    name: seen.name,
    disks: [...found.disks].map(([own, { key, label, file }]) => ({ uuid: own, key: String(key), label, file })),
    others: [...found.others],
    unfinished: mark && {
      run: mark.run,
      point: mark.point,
      torn: mark.isTorn,
      safety: mark.safety,
      untouched: [...found.untouched],
    },
    torn_by: mark === null && note?.isWhole === false ? { run: note.run, point: note.point } : null,
  };
}

const phases: { readonly [P in Phase]: 'digesting' | 'copying' | 'flushing' } = {
  'comparing': 'digesting',
  'writing': 'copying',
  'reading again': 'flushing',
};

/**
 * The work of a job that restores a VM in place. The VM stays marked.
 * @throws SendenseError `target.unfit`, `source.half_restored`, `content.mismatch`, `transport.*`, `vsphere.*`, `nbd.*`
 */
export async function inPlaceWork(request: InPlaceStartRequest, place: WorkPlace): Promise<void> {
  const { run, point, safety, job_id: job } = request;
  place.activity('logging in');
  await using session = await openSession(request, undefined, place.signal);
  const { jobFolder } = place;
  const node = await nodeIdOf(jobFolder);
  await using _held = await holdJob(jobFolder, node, job);
  const server = { ...session.spec, instanceUuid: session.vsphere.about.instanceUuid };
  await using _alone = await holdDisks(server, request.vm, request.name);
  const vm: Moref = { type: 'VirtualMachine', value: request.vm };
  const tell = teller(place);
  const { vm: done, isLost } = await restoreInPlace(session.vsphere, session.contextOf(place), {
    vm,
    disks: disksOf(request, jobFolder),
    mark: { run, point, safety },
    takesOver: request.takes_over,
    compareAll: request.compare_all,
    powerOn: request.power_on,
    areas: changedSince({
      mark: { job, backup: null, node, time: Date.now() },
      isAlive: async (mark) => mark.job !== job && mark.node === node && (await isJobHeld(jobFolder, node, mark.job)),
      since: new Map(request.disks.flatMap(({ key, base }) => (base ? [[Number(key), base.change_id] as const] : []))),
      log: place.log,
      warn: place.warn,
      left: place.left,
    }),
    log: place.log,
    warn: place.warn,
    onActivity: place.activity,
    onProgress: ({ key, capacity_bytes: capacity }, phase, bytes, total) =>
      tell(key, phases[phase], { capacity_bytes: capacity, bytes_done: bytes, bytes_total: total }),
    onDone: ({ key, capacity_bytes: capacity }, written) =>
      tell(key, 'done', {
        capacity_bytes: capacity,
        bytes_done: written,
        bytes_total: written,
        bytes_transferred: written,
      }),
  });
  place.restored({
    vm: vm.value,
    name: done.seen.name,
    disks: [...done.disks.values()].map(({ key, file }) => ({
      key: String(key),
      device_key: String(key),
      file,
    })),
    left_out: [],
    not_in_safety: isLost,
  });
  place.activity(null);
}

/** Says the phase of a disk where it is another one. */
function teller({ disk }: WorkPlace) {
  const last = new Map<number, string>();
  type Facts = Parameters<WorkPlace['disk']>[1];
  return (key: number, phase: NonNullable<Facts['phase']>, facts: Facts): void => {
    disk(String(key), last.get(key) === phase ? facts : { ...facts, phase });
    last.set(key, phase);
  };
}

function disksOf({ disks, nbd_sources: text, nbd_psk: psk = null }: InPlaceStartRequest, folder: string): BackDisk[] {
  const sources = parseNbdList(text, 'nbd_sources');
  const file = (sha256: string): string => join(folder, `${sha256}.previous`);
  return disks.map(({ key, uuid, bytes, index, base }) => {
    const from = sources.get(key);
    if (from === undefined)
      throw new SendenseError('request.invalid', `nbd_sources: disk ${key} has no source`, {
        details: { field: '/nbd_sources' },
      });
    return {
      uuid,
      bytes,
      from,
      psk,
      index: file(index),
      base: base && {
        index: file(base.index),
        changeId: base.change_id,
        restoredInPlace: base.restored_in_place ?? null,
      },
    };
  });
}

/**
 * Ends a restore in place, or only looks. Starts nothing: see `finish-and-start.ts`. May be asked twice.
 * @throws SendenseError `target.unfit` where the VM is not marked by this run, `vsphere.*`
 */
export async function endInPlace(
  request: InPlaceEndRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<InPlaceEnded> {
  const { run, point, action } = request;
  const object: Moref = { type: 'VirtualMachine', value: request.vm };
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const look = async (): Promise<InPlaceState | null> => inPlaceState(vsphere, object, signal);
  const found = await look();
  const state = stateOf(found, run);
  if (action === 'release' && state === 'marked') await releaseInPlace(vsphere, object, run, signal);
  if (action === 'finish' && (state === 'torn' || state === 'marked'))
    await finishInPlace(vsphere, object, { run, point }, signal);
  const now = action === 'look' ? found : await look();
  // Also where another restore took over meanwhile: then its mark stays.
  if (action === 'finish' && stateOf(now, run) !== 'finished')
    throw new SendenseError(
      'target.unfit',
      now ? `the VM ${now.seen.name} is not marked by this restore any more` : 'the VM is not there any more',
      { remedy: 'Somebody has removed the mark, or another restore has taken over. Run the restore again.' },
    );
  return {
    state: stateOf(now, run),
    name: now?.seen.name ?? null,
    powered_on: now?.seen.isOn ?? false,
    warnings: [],
  };
}

function stateOf(found: InPlaceState | null, run: string): InPlaceEnded['state'] {
  if (found === null) return 'gone';
  const { mark, note } = found;
  if (mark === null) return note?.run !== run ? 'free' : note.isWhole ? 'finished' : 'unmarked';
  if (mark.run !== run) return 'other';
  return mark.isTorn ? 'torn' : 'marked';
}
