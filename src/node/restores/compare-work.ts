import { join } from 'node:path';
import { compareExport } from '../../blocks/compare-export.ts';
import type { Extent } from '../../blocks/extents.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { RestoreCompareRequest } from '../../schemas/types.ts';
import type { WorkPlace } from '../../sources/job-work.ts';
import { diskRefs } from '../vsphere/disk-refs.ts';
import { markedVm } from '../vsphere/new-vm/marked-vms.ts';
import { noteDisks } from '../vsphere/new-vm/take-over.ts';
import { assertUntouched } from '../vsphere/new-vm/untouched.ts';
import { chooseTransport } from '../vsphere/transports/choose-transport.ts';
import { serveHttps } from '../vsphere/transports/https.ts';
import { serveSsh } from '../vsphere/transports/ssh.ts';
import type { SnapshotDiskRef, TransportContext, TransportName } from '../vsphere/transports/transport.ts';
import { serveVddkOfVm } from '../vsphere/transports/vddk.ts';
import { vmFacts } from '../vsphere/vm-facts.ts';
import { openSession } from './vsphere-session.ts';

const servers = { vddk: serveVddkOfVm, https: serveHttps, ssh: serveSsh } as const;

/** What may be so with a disk that is well: on vSAN there is no file, and without VDDK nothing else reads there. */
const unreadable = new Set(['transport.unavailable', 'transport.unsafe', 'vsphere.permission']);

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
  const facts = await vmFacts(vsphere, found.object, signal);
  const disks = await diskRefs(vsphere, facts, '', facts.disks, signal);
  for (const { key, saved_key: savedKey, index } of request.disks) {
    const disk = disks.find((one) => String(one.key) === key);
    if (!disk) throw new SendenseError('target.unfit', `the VM ${name} has no disk ${key} any more`);
    const first = await firstDifference(session.contextOf(place), place, { disk, index });
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

/** Null: it is what it should be, as far as it can be read: where no transport can read it, that is said. */
async function firstDifference(
  context: TransportContext,
  place: WorkPlace,
  { disk, index }: { readonly disk: SnapshotDiskRef; readonly index: string },
): Promise<Extent | null> {
  const { key, label, file, capacity } = disk;
  place.activity(`opening ${label}`);
  const by = await readableBy(context, place, disk);
  if (by === null) {
    place.disk(String(key), { phase: 'done', capacity_bytes: capacity, bytes_total: 0, bytes_done: 0, bytes_read: 0 });
    return null;
  }
  place.disk(String(key), { phase: 'digesting', capacity_bytes: capacity, bytes_total: capacity });
  await using served = await servers[by](context, disk);
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
      ? new SendenseError('transport.failed', `${label} (${file}) could not be read over ${by}: ${why}`, { cause })
      : why;
  });
  await served.assertSound?.(capacity);
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

/** Null: by none, and that is said. */
async function readableBy(
  context: TransportContext,
  { warn }: WorkPlace,
  disk: SnapshotDiskRef,
): Promise<TransportName | null> {
  try {
    return (await chooseTransport(context, [disk])).name;
  } catch (error) {
    context.signal?.throwIfAborted();
    const { code, message } = toSendenseError(error);
    if (!unreadable.has(code)) throw error;
    warn(`${disk.label} (${disk.file}) is written, but nobody has compared it with the restore point: ${message}`);
    return null;
  }
}
