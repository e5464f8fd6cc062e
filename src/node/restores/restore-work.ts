import { SendenseError } from '../../errors/sendense-error.ts';
import { parseNbdList } from '../../host/nbd/nbd-list.ts';
import type { NewVm, RestoreStartRequest } from '../../schemas/types.ts';
import type { WorkPlace } from '../../sources/job-work.ts';
import { restoreVm } from '../vsphere/new-vm/restore-vm.ts';
import type { RestoredDisk, RestoredVm } from '../vsphere/new-vm/vm-restore.ts';
import { askedPlace, askedThickness, digestOfAsked } from './asked-vm.ts';
import { macOf, originalOf } from './check-restore.ts';
import { openSession } from './vsphere-session.ts';

/**
 * The work of a job that makes a VM and writes its disks. The VM stays marked as unfinished.
 * @throws SendenseError `target.unfit`, `transport.*`, `vsphere.*`, `nbd.*`
 */
export async function restoreWork(request: RestoreStartRequest, place: WorkPlace): Promise<void> {
  const { vm } = request;
  const disks = disksOf(request);
  place.activity('logging in');
  await using session = await openSession(request, undefined, place.signal);
  const { vsphere } = session;
  place.activity('looking at the place of the VM');
  const restored = await restoreVm(vsphere, session.contextOf(place), {
    config: vm.vm_config,
    disks,
    wanted: askedPlace(vm),
    mark: { run: vm.run, point: vm.point },
    withoutTpm: vm.without_tpm,
    takesOver: vm.takes_over,
    asked: digestOfAsked(vm),
    mac: vm.mac ?? macOf(vm, await originalOf(vsphere, vm, place.signal)),
    identity: vm.identity,
    connect: vm.connect,
    thin: askedThickness(vm).thin,
    onWay: place.log,
    onActivity: place.activity,
    onMade: (made) => tellMade(place, vm, made),
    onProgress: tellProgress(place, disks),
  });
  // Where an import has brought its disks, they are others than when it was made.
  place.restored(restoredFacts(vm, restored));
  place.activity(null);
}

function disksOf({ vm, nbd_sources: text, nbd_psk: psk }: RestoreStartRequest): Map<number, RestoredDisk> {
  const sources = parseNbdList(text, 'nbd_sources');
  return new Map(
    vm.disks.map(({ key, bytes, used }) => {
      const from = sources.get(key);
      if (from !== undefined) return [Number(key), { from, psk: psk ?? null, bytes, used }] as const;
      throw new SendenseError('request.invalid', `nbd_sources: disk ${key} has no source`, {
        details: { field: '/nbd_sources' },
      });
    }),
  );
}

const tellMade = ({ restored, log }: WorkPlace, vm: NewVm, made: RestoredVm): void => {
  const name = `${vm.place.name} (${made.object.value})`;
  log(made.isNew ? `made the VM ${name}` : `going on with the VM ${name}`);
  restored(restoredFacts(vm, made));
};

const restoredFacts = ({ place }: NewVm, { object, disks, leftOut }: RestoredVm) => ({
  vm: object.value,
  name: place.name,
  disks: [...disks].map(([key, disk]) => ({ key: String(key), device_key: String(disk.key), file: disk.file })),
  left_out: [...leftOut],
});

function tellProgress(
  place: WorkPlace,
  disks: ReadonlyMap<number, RestoredDisk>,
): (key: number, fraction: number, isKept: boolean) => void {
  const begun = new Set<number>();
  return (key, fraction, isKept) => {
    const { bytes = 0, used = 0 } = disks.get(key) ?? {};
    if (isKept) place.log(`disk ${key} is there already: an earlier run has copied it`);
    if (fraction === 1)
      place.disk(String(key), {
        phase: 'done',
        capacity_bytes: bytes,
        bytes_total: bytes,
        bytes_done: bytes,
        bytes_transferred: isKept ? 0 : used,
      });
    else {
      const phase = begun.has(key) ? {} : ({ phase: 'copying' } as const);
      begun.add(key);
      place.disk(String(key), {
        ...phase,
        capacity_bytes: bytes,
        bytes_total: bytes,
        bytes_done: Math.trunc(bytes * fraction),
      });
    }
  };
}
