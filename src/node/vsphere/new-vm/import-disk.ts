import { packExport } from '../../../blocks/pack-export.ts';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { connectNbd } from '../../../host/nbd/nbd-client.ts';
import { openLease, type ImportLease } from '../import/import-lease.ts';
import { uploadDisk } from '../import/upload-disk.ts';
import { uploadPlace } from '../import/upload-place.ts';
import type { SoapObject } from '../encode-soap.ts';
import { faultOf } from '../fault.ts';
import type { TransportContext } from '../transports/transport.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { carrierSpec } from './carrier.ts';
import type { Carrier } from './disk-notes.ts';
import type { Place } from './place.ts';
import { noteDisks } from './take-over.ts';
import type { SpecOptions } from './vm-spec.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

export interface DiskImport {
  /** The VM that gets the disk. */
  readonly object: Moref;
  readonly vm: WantedVm;
  readonly disk: WantedDisk;
  readonly options: SpecOptions & { readonly place: Place };
  /** NBD URI of what is to be on the disk. */
  readonly from: string;
  readonly psk: string | null;
  /** Hears that the host takes bytes. */
  onOpen?(): void;
  onProgress?(fraction: number): void;
}

/** A connection that breaks says nothing about the next one. */
const mostTries = 3;

/**
 * Brings a disk to vSphere whole, by a VM of its own: the notes of the VM that gets it name that one from now on.
 * @throws SendenseError `transport.*`, `disk.full`, `vsphere.*`
 */
export async function importDisk(vsphere: Vsphere, context: TransportContext, work: DiskImport): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await importOnce(vsphere, context, work);
      return;
    } catch (error) {
      context.signal?.throwIfAborted();
      const mayPass =
        (error instanceof SendenseError && error.details?.['broken'] === true) ||
        faultOf(error)?.name === 'DuplicateName';
      if (!mayPass || tries === mostTries) throw error;
      context.warn(`${toSendenseError(error).message}; it is sent again from its beginning`);
    }
  }
}

async function importOnce(vsphere: Vsphere, context: TransportContext, work: DiskImport): Promise<void> {
  const { object, vm, disk, options } = work;
  const { signal } = context;
  const spec: SoapObject = carrierSpec(vm, disk, object, options);
  const note = (carrier: Carrier): Promise<void> =>
    noteDisks(
      vsphere,
      object,
      options.mark.run,
      ({ carriers }) => ({ carriers: new Map([...carriers, [disk.key, carrier]]) }),
      signal,
    );
  await using lease = await openLease(vsphere, spec, options.place, signal);
  await note({ vm: lease.vm.value, lease: lease.object.value });
  await send(context, lease, work);
  await lease.complete();
  await note({ vm: lease.vm.value, lease: null });
}

/** Makes the VMDK while it is sent: no copy of the disk is needed. */
async function send(context: TransportContext, lease: ImportLease, work: DiskImport): Promise<void> {
  const { disk, from, psk } = work;
  const { spec } = context;
  const signal = AbortSignal.any([lease.lost, ...(context.signal ? [context.signal] : [])]);
  try {
    const place = uploadPlace(lease.url, lease.thumbprint, spec);
    const cookie = await context.cookie();
    await using source = await connectNbd(from, { psk, signal });
    const upload = { place, cookie, label: disk.label, signal };
    await uploadDisk(upload, async (write) => {
      let isOpen = false;
      await packExport(
        source,
        {
          capacity: disk.bytes,
          name: 'disk.vmdk',
          contentId: 'fffffffe',
          // vSphere writes a descriptor of its own.
          adapter: 'lsilogic',
          signal,
          onProgress: (bytes) => {
            lease.progress(bytes / disk.bytes);
            work.onProgress?.(bytes / disk.bytes);
          },
        },
        async (bytes) => {
          await write(bytes);
          if (!isOpen) work.onOpen?.();
          isOpen = true;
        },
      );
    });
  } catch (error) {
    context.signal?.throwIfAborted();
    // A host that has lost the lease closes the connection, and says no more.
    throw (await lease.fault().catch(() => null)) ?? error;
  }
}
