import type { ServedDisk, SnapshotDiskRef, TransportContext } from '../transports/transport.ts';
import { serveVddkForWriting, serveVddkOfVm } from '../transports/vddk.ts';
import type { Moref } from '../xml.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { OwnDisk } from './in-place-vm.ts';

/** One disk of a VM that is off and has no snapshot. */
const refOf = (vm: Moref, { key, label, file, capacity_bytes: capacity, backing }: OwnDisk): SnapshotDiskRef => ({
  vmMoref: vm.value,
  snapshotMoref: '',
  key,
  label,
  file,
  capacity,
  backing,
  hasParent: false,
  datacenter: null,
  datastoreType: null,
  host: null,
});

/** Acts with a disk that is open for reading. @throws SendenseError `transport.*`, `vsphere.*` */
export async function reading<T>(
  context: TransportContext,
  vm: Moref,
  disk: OwnDisk,
  act: (served: ServedDisk) => Promise<T>,
): Promise<T> {
  await using served = await serveVddkOfVm(context, refOf(vm, disk));
  return await explained(context, served, `${disk.label} (${disk.file}) could not be read with VDDK`, () =>
    act(served),
  );
}

/** The same for writing: vSphere does not start the VM meanwhile, because VMware's library locks the disk. */
export async function writing(
  context: TransportContext,
  vm: Moref,
  disk: OwnDisk,
  act: (served: ServedDisk) => Promise<void>,
): Promise<void> {
  await using served = await serveVddkForWriting(context, refOf(vm, disk));
  await explained(context, served, `${disk.label} (${disk.file}) could not be written with VDDK`, () => act(served));
}

/** A failure in the words of VMware's library. */
async function explained<T>(
  { signal }: TransportContext,
  served: ServedDisk,
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    signal?.throwIfAborted();
    // First: it hears what nbdkit has said until now, which may be what `lastFault` knows.
    const why = served.lastError();
    const fault = served.lastFault?.() ?? null;
    if (fault) throw fault;
    if (why === null) throw cause;
    throw new SendenseError('transport.failed', `${what}: ${why}`, { cause });
  }
}
