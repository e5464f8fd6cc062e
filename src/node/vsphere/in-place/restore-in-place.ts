import { totalLength, type Extent } from '../../../blocks/extents.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { changeVm, lookAtVm, type SeenVm } from '../new-vm/marked-vm.ts';
import { wasStarted } from '../new-vm/untouched.ts';
import type { TransportContext } from '../transports/transport.ts';
import { checkVddkForWriting } from '../transports/vddk.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import type { AreasSince } from './changed-since.ts';
import { differences, isStillAs } from './differences.ts';
import { inPlaceMarkIn, markedNotes, markOptionOf, noteOptionOf, type InPlaceMark } from './in-place-mark.ts';
import { inPlaceVm, type InPlaceVm, type OwnDisk } from './in-place-vm.ts';
import { lostBy, lostOverTorn, missingText, staleBy } from './lost-state.ts';
import { readAgain, writeDifferences } from './write-differences.ts';

/** A disk of a restore point that goes back to where it was. */
export interface BackDisk {
  readonly uuid: string;
  readonly bytes: number;
  /** NBD URI, read-only. */
  readonly from: string;
  readonly psk: string | null;
  /** Block index of it, a file. */
  readonly index: string;
  /** The restore point of the present state: its block index, a file, and its change id. Null: there is none. */
  readonly base: {
    readonly index: string;
    readonly changeId: string;
    /** The run that had restored the VM in place last when it was made; null: none had. */
    readonly restoredInPlace: string | null;
  } | null;
}

export type Phase = 'comparing' | 'writing' | 'reading again';

export interface InPlaceRestore {
  readonly vm: Moref;
  readonly disks: readonly BackDisk[];
  readonly mark: Omit<InPlaceMark, 'isTorn' | 'disks' | 'since'>;
  /** The run whose restore is gone on with; null: none. */
  readonly takesOver: string | null;
  /** At the end all of each disk is read and compared, not only what was written. */
  readonly compareAll: boolean;
  readonly powerOn: boolean;
  /** Asks vSphere what changed since a restore point. */
  readonly areas: AreasSince;
  log(message: string): void;
  warn(message: string): void;
  onActivity(what: string | null): void;
  onProgress(disk: OwnDisk, phase: Phase, done: number, total: number): void;
  onDone(disk: OwnDisk, written: number): void;
}

export interface RestoredInPlace {
  readonly vm: InPlaceVm;
  /** Something that was overwritten is not in the backup before the restore. */
  readonly isLost: boolean;
}

interface Found {
  readonly back: BackDisk;
  readonly disk: OwnDisk;
  readonly extents: readonly Extent[];
  /** It has been written to since the safety backup. */
  readonly isChanged: boolean;
}

/**
 * Writes to the disks of a VM what differs from a restore point. From before the first byte the VM bears a mark that says so, until
 * `endInPlace`. May be called again by the same run, or by another one that takes over.
 * @throws SendenseError `target.unfit`, `source.half_restored` where another run restores it or takes over, `content.mismatch`, `transport.*`, `vsphere.*`
 */
export async function restoreInPlace(
  vsphere: Vsphere,
  context: TransportContext,
  request: InPlaceRestore,
): Promise<RestoredInPlace> {
  const { signal } = context;
  const { vm, disks, powerOn } = request;
  await checkVddkForWriting(context);
  const began = Date.now() + (await vsphere.clockOffset(signal));
  const before = await inPlaceVm(vsphere, vm, disks, { powerOn, signal });
  assertOurs(before, request);
  request.onActivity('marking the VM');
  const isTorn = before.mark?.isTorn ?? false;
  const overTorn = isTorn ? await lostOverTorn(vsphere, before, request, signal) : null;
  if (overTorn !== null) request.warn(overTorn);
  if (before.missing.length > 0) request.warn(missingText(before));
  const mark = {
    ...request.mark,
    // Who goes on with it names no backup that has not all of it.
    ...(overTorn === null ? {} : { safety: null }),
    // One that is away may come back, and is torn then.
    disks: [...[...before.disks].map(([id, { key }]) => ({ key, id })), ...before.missing],
    since: { starts: before.seen.starts, at: began },
  };
  await setMark(vsphere, request, { ...mark, isTorn }, null, signal);
  const areas = await request.areas(vsphere, vm, signal);
  // Asked again: a backup that began before the mark has made its snapshot by now.
  const marked = await inPlaceVm(vsphere, vm, disks, { powerOn, signal });
  if (marked.seen.hasSnapshot) throw changed(marked.seen, 'it has a snapshot');
  const since = before.seen.hasSnapshot ? marked.seen : before.seen;
  if (isTorn) request.log('an earlier restore has not finished: the disks are read and compared');
  const found: Found[] = [];
  for (const back of disks) {
    const isKnown = !isTorn && !isStale(back, marked, request);
    found.push(await look(context, request, marked, back, isKnown ? areas : null));
  }
  const total = found.reduce((sum, { extents }) => sum + totalLength(extents), 0);
  request.log(`${total} bytes differ and are written`);
  const changedSince = isTorn ? null : lostBy(marked, request, found);
  if (changedSince !== null) request.warn(changedSince);
  const lost = overTorn ?? changedSince;
  const torn = { ...mark, isTorn: true, ...(changedSince === null ? {} : { safety: null }) };
  if (total > 0) await setMark(vsphere, request, torn, since, signal);
  const stillOurs = (): Promise<void> => assertStillOurs(vsphere, request, { since, began }, signal);
  for (const one of found) {
    await stillOurs();
    await write(context, request, one);
  }
  await stillOurs();
  return { vm: marked, isLost: lost !== null };
}

function isStale(back: BackDisk, marked: InPlaceVm, { log }: InPlaceRestore): boolean {
  const run = staleBy(back, marked);
  if (run !== null)
    log(`run ${run} has restored the VM in place since the safety backup: the disk is read and compared`);
  return run !== null;
}

async function look(
  context: TransportContext,
  request: InPlaceRestore,
  { disks }: InPlaceVm,
  back: BackDisk,
  areas: ReadonlyMap<number, readonly Extent[]> | null,
): Promise<Found> {
  const disk = disks.get(back.uuid);
  if (!disk) throw new SendenseError('run.internal', `no disk ${back.uuid}`);
  request.onActivity(`looking at what differs on ${disk.label}`);
  const changed = areas?.get(disk.key);
  const known = back.base && changed ? { index: back.base.index, changed } : null;
  const onRead = (done: number, total: number): void => {
    request.onActivity(null);
    request.onProgress(disk, 'comparing', done, total);
  };
  const extents = await differences(context, request.vm, { disk, index: back.index, known, onRead });
  const isChanged = async (): Promise<boolean> => {
    if (changed) return totalLength(changed) > 0;
    if (areas === null || back.base === null) return false;
    const { index, base } = back;
    return !(await isStillAs(context, request.vm, { disk, index, found: extents, base: base.index }));
  };
  const how = known
    ? 'by the block indexes of the restore point and of the safety backup'
    : 'by reading the disk and comparing it with the block index';
  request.log(`${disk.label}: ${totalLength(extents)} of ${disk.capacity_bytes} bytes differ, ${how}`);
  return { back, disk, extents, isChanged: await isChanged() };
}

async function write(context: TransportContext, request: InPlaceRestore, found: Found): Promise<void> {
  const { back, disk, extents } = found;
  const { vm, compareAll } = request;
  request.onActivity(`opening ${disk.label}`);
  const telling = (phase: Phase) => (done: number, total: number) => {
    request.onActivity(null);
    request.onProgress(disk, phase, done, total);
  };
  await writeDifferences(context, vm, { ...back, disk, extents, onBytes: telling('writing') });
  request.onActivity(`reading ${disk.label} again`);
  await readAgain(context, vm, { disk, index: back.index, extents, onBytes: telling('reading again') }, compareAll);
  request.onActivity(null);
  request.onDone(disk, totalLength(extents));
}

/** @throws SendenseError `source.half_restored` */
function assertOurs({ mark, seen }: InPlaceVm, { mark: { run }, takesOver }: InPlaceRestore): void {
  if (mark === null || mark.run === run || mark.run === takesOver) return;
  throw new SendenseError(
    'source.half_restored',
    `the VM ${seen.name} is being restored in place by run ${mark.run}, from ${mark.point}`,
    {
      remedy: 'If that run has died, for example at another hub, run the restore with --take-over (`takeOver: true`).',
    },
  );
}

/**
 * Somebody else may have taken over meanwhile, have removed the mark, or have used the VM.
 * @param began when it was first looked at, ms by the server's clock
 * @throws SendenseError `source.half_restored`
 */
async function assertStillOurs(
  vsphere: Vsphere,
  request: InPlaceRestore,
  { since, began }: { readonly since: SeenVm; readonly began: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const seen = await lookAtVm(vsphere, request.vm, signal);
  if (!seen) return;
  assertKept(seen, request);
  // A VM that writes no log has nothing in it that tells of a start: its events do.
  const isStarted = seen.isOn || (await wasStarted(vsphere, request.vm, signal, began));
  const use = isStarted ? 'somebody has started it' : useOf(seen, since);
  if (use !== null)
    throw new SendenseError(
      'source.half_restored',
      `${use}, while the VM ${seen.name} was being restored in place: what is on its disks is not known`,
      { remedy: 'Switch it off, remove its snapshots, and run the restore again with --compare-all.' },
    );
}

function assertKept(seen: SeenVm, { mark: { run } }: InPlaceRestore): void {
  const now = inPlaceMarkIn(seen.values.get('config.extraConfig'));
  if (now?.run === run) return;
  const who = now === null ? 'somebody has removed the mark of this run' : `run ${now.run} has taken over`;
  throw new SendenseError('source.half_restored', `${who} while the VM ${seen.name} was being restored in place`, {
    remedy:
      'Two that write at the same time spoil the disks: end both runs, then run the restore again with --compare-all.',
  });
}

/**
 * Marks the VM, as it is seen at that moment.
 * @param since how it was when it was decided what to write; null: that comes
 * @throws SendenseError `target.unfit` where somebody has used it since
 */
async function setMark(
  vsphere: Vsphere,
  request: InPlaceRestore,
  mark: InPlaceMark,
  since: SeenVm | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  await changeVm(
    vsphere,
    request.vm,
    (seen) => {
      assertOurs({ seen, mark: inPlaceMarkIn(seen.values.get('config.extraConfig')) } as InPlaceVm, request);
      if (seen.isOn) throw changed(seen, 'it is on');
      if (since !== null) {
        assertKept(seen, request);
        assertUnused(seen, since);
      }
      // Whoever is taken over may have begun to write since it was looked at: that is not forgotten.
      if (!mark.isTorn && inPlaceMarkIn(seen.values.get('config.extraConfig'))?.isTorn)
        throw changed(seen, 'its disks are torn by now');
      return [
        ['annotation', markedNotes(mark, seen.annotation)],
        // From the first byte on lists of changes lead nowhere, also where somebody removes the mark and keeps the disks as they are.
        ['extraConfig', [markOptionOf(mark), ...(mark.isTorn ? [noteOptionOf({ ...mark, isWhole: false })] : [])]],
      ];
    },
    signal,
  );
  const seen = await lookAtVm(vsphere, request.vm, signal);
  const now = seen && inPlaceMarkIn(seen.values.get('config.extraConfig'));
  // A server that answers and forgets would leave a torn VM without a word.
  if (now?.run !== mark.run || now.isTorn !== mark.isTorn)
    throw new SendenseError('vsphere.protocol', `vSphere did not keep the mark of the VM ${seen?.name ?? ''}`);
}

/** @throws SendenseError `target.unfit` */
function assertUnused(seen: SeenVm, since: SeenVm): void {
  const use = useOf(seen, since);
  if (use !== null) throw changed(seen, use);
}

/** What somebody has done to it since; null: nothing that shows. */
function useOf(seen: SeenVm, since: SeenVm): string | null {
  if (seen.hasSnapshot) return 'it has a snapshot';
  if (seen.starts !== since.starts) return 'somebody has started it';
  return seen.hardware === since.hardware ? null : 'somebody has changed its hardware or its disks';
}

const changed = ({ name }: SeenVm, what: string): SendenseError =>
  new SendenseError('target.unfit', `the VM ${name} changed while Sendense looked at it: ${what}`, {
    remedy: 'Nothing was written. Switch it off, wait until its backups have ended, and run the restore again.',
  });
