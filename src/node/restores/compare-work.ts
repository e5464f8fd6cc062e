import { join } from 'node:path';
import { compareExport } from '../../blocks/compare-export.ts';
import type { Extent } from '../../blocks/extents.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreCompareRequest } from '../../schemas/types.ts';
import type { WorkPlace } from '../../sources/job-work.ts';
import { markedVm } from '../vsphere/new-vm/marked-vms.ts';
import { noteDisks } from '../vsphere/new-vm/take-over.ts';
import { assertUntouched } from '../vsphere/new-vm/untouched.ts';
import type { TransportContext } from '../vsphere/transports/transport.ts';
import { serveVddkOfVm } from '../vsphere/transports/vddk.ts';
import { disksOf } from '../vsphere/vm-disks.ts';
import { list, type Moref } from '../vsphere/xml.ts';
import { openSession } from './vsphere-session.ts';

type Disk = ReturnType<typeof disksOf>[number];

/**
 * The work of a job that reads the disks of an unfinished VM and compares them with block indexes in the folder of the job.
 * @throws SendenseError `content.mismatch`, `target.unfit`, `transport.*`, `vsphere.*`
 */
export async function compareWork(request: RestoreCompareRequest, place: WorkPlace): Promise<void> {
  const { run, point, name } = request;
  const { signal } = place;
  place.activity('logging in');
  await using session = await openSession(request, undefined, signal);
  const { vsphere } = session;
  const found = await markedVm(vsphere, run, signal);
  if (found === null || found.mark.point !== point)
    throw new SendenseError('target.unfit', `the VM ${name} is not there any more, or somebody has changed its notes`);
  await assertUntouched(vsphere, found, signal);
  const disks = disksOf(list(found.values.get('config.hardware'), 'device'));
  for (const { key, saved_key: savedKey, index } of request.disks) {
    const disk = disks.find((one) => String(one.key) === key);
    if (!disk) throw new SendenseError('target.unfit', `the VM ${name} has no disk ${key} any more`);
    const first = await firstDifference(session.contextOf(place), place, { vm: found.object, disk, index });
    if (first === null) continue;
    // A disk that differs is no disk that is copied whole: whoever goes on writes it again.
    const without = (copied: ReadonlySet<number>) => new Set([...copied].filter((one) => one !== Number(savedKey)));
    await noteDisks(vsphere, found.object, run, ({ copied }) => ({ copied: without(copied) }), signal);
    throw new SendenseError(
      'content.mismatch',
      `${disk.label} (${disk.file}): what was written differs from the block index, first at offset ${first.offset} (${first.length} bytes)`,
      {
        remedy:
          'Run `sendense-run check` to see whether the restore point is damaged. If it is not, run the restore again: it writes the disk anew.',
      },
    );
  }
}

/** Null: it is what it should be. */
async function firstDifference(
  context: TransportContext,
  place: WorkPlace,
  { vm, disk, index }: { readonly vm: Moref; readonly disk: Disk; readonly index: string },
): Promise<Extent | null> {
  const { key, label, file, capacity_bytes: capacity } = disk;
  place.activity(`opening ${label}`);
  place.disk(String(key), { phase: 'digesting', capacity_bytes: capacity, bytes_total: capacity });
  await using served = await serveVddkOfVm(context, {
    vmMoref: vm.value,
    snapshotMoref: '',
    key,
    label,
    file,
    capacity,
    backing: disk.backing,
    hasParent: disk.has_parent,
    datacenter: null,
    datastoreType: null,
    host: null,
  });
  const result = await compareExport({
    uri: served.uri,
    indexPath: join(place.jobFolder, `${index}.previous`),
    // Each is a connection to the host, beside the one that asks what is allocated.
    workers: 1,
    signal: place.signal,
    onProgress: (done) => {
      place.activity(null);
      place.disk(String(key), { bytes_done: done });
    },
  }).catch((cause: unknown) => {
    place.signal.throwIfAborted();
    const why = served.lastFault?.() ?? served.lastError();
    if (why === null) throw cause;
    throw typeof why === 'string'
      ? new SendenseError('transport.failed', `${label} (${file}) could not be read with VDDK: ${why}`, { cause })
      : why;
  });
  const [first = null] = result.mismatches;
  if (first) return first;
  place.disk(String(key), {
    phase: 'done',
    bytes_total: capacity,
    bytes_done: capacity,
    bytes_read: result.comparedBytes,
  });
  return null;
}
