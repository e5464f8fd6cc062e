import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { lookAtDomain, type DomainLook } from '../../host/libvirt/domain-devices.ts';
import type { AttachedDomain, AttachedMark } from '../../schemas/types.ts';
import { directoryTarget } from '../directory/directory-target.ts';
import { partsOf } from '../directory/disk-names.ts';
import { openParts } from '../directory/part-folder.ts';
import { arePublished, publishFiles, removePublished, type NamesClaim } from '../directory/publish-files.ts';
import { assertPlain, writeForQemu } from '../kvm/write-for-qemu.ts';
import type { RestoreRequest, TargetKind } from '../target-kind.ts';
import { claimOf, diskRequest, type AttachKvmClaim } from './attach-kvm-claim.ts';
import { attachedNotes, disksAttached } from '../attach/attached-notes.ts';
import { aliasOf, confirmMark, markFile, markText, removeMark, serialOf } from './attached-mark.ts';
import { attachedAt } from './attached-disks.ts';
import { findDomain } from './find-domain.ts';
import { freePlaces } from './free-place.ts';
import { hasIt, isPlugged, plugDisk, unplugDisk, type NewDisk } from './plug-disk.ts';

type Request = RestoreRequest<'attachKvm'>;

interface PlugClaim {
  /** The disks, and their mark. */
  readonly files: NamesClaim;
  /** The VM that gets them; null: it is not known which. */
  readonly domain: Pick<AttachedDomain, 'uri' | 'domain' | 'disks' | 'point'> | null;
}

/**
 * Additional disks of a VM of libvirt that may run. They are made as qcow2 in a folder of their own on the hub, with a mark, and compared
 * there. They are published when the VM has them. Their serial numbers tell them from all others.
 */
export const attachKvmTarget: TargetKind<'attachKvm', AttachKvmClaim, PlugClaim> = {
  type: 'attachKvm',
  claim: claimOf,

  assertFree: async (request, claim) => void (await receiverOf(request, claim)),

  async effects(request, claim) {
    const look = await receiverOf(request, claim);
    const places = freePlaces(look, request.disks.length).map(({ name, bus }) => `${name} (${bus})`);
    const disks = await directoryTarget.effects(diskRequest(request, claim), claim);
    const when = look.live === null ? 'while it is off' : 'while it runs';
    return [...disks, { action: 'change', target: look.name, detail: `gets ${places.join(', ')} ${when}`, argv: null }];
  },

  outline: (request, claim) => directoryTarget.outline(diskRequest(request, claim), claim),

  async write(request, claim, run) {
    const look = await receiverOf(request, claim, run.signal);
    const written = await writeForQemu(diskRequest(request, claim), claim, run, true);
    const machine = machineOf(request, claim, look);
    const mark = markText(markOf(request, machine));
    await using parts = await openParts(claim.parts ?? partsOf(claim.directory, run));
    for (const { temporary } of claim.others) await writeNewFile(`${parts.path}/${nameOf(temporary)}`, mark);
    await fsyncFolder(parts.path);
    return { ...written, machine };
  },

  undoWrite: (claim, remembered) => directoryTarget.undoWrite(claim, remembered),
  readBack: directoryTarget.readBack,
  compare: null,

  claimNames: (written, made = null) => {
    const domain = made !== null && 'domain' in made ? made : null;
    const files = [...written, ...(domain?.files ?? [])].map(({ disk, temporary, file }) => ({
      disk,
      temporary,
      file,
    }));
    return {
      files,
      domain: domain && { uri: domain.uri, domain: domain.domain, disks: domain.disks, point: domain.point },
    };
  },
  publishEffects: disksAttached,

  async publish({ files, domain }, run) {
    await publishFiles(files, run);
    if (domain === null) throw noDomain();
    run.remember('asked', true);
    for (const our of disksOf(files, domain)) await plugDisk(domain.uri, domain.domain, our, run.signal);
    await confirmMark(fileOf(files, markFile), Date.now());
    const look = await lookAtDomain(domain.uri, domain.domain, run.signal);
    if (!hasAll(look, files, domain)) throw takenOff(look?.name ?? domain.domain);
  },

  async isPublished({ files, domain }, remembered) {
    if (domain === null || remembered['asked'] !== true || !(await arePublished(disksIn(files), remembered)))
      return false;
    if (!hasAll(await lookAtDomain(domain.uri, domain.domain), files, domain)) return false;
    await confirmMark(fileOf(files, markFile), Date.now());
    return true;
  },

  async undoPublish({ files, domain }, remembered) {
    // First: what a VM has is not removed.
    if (domain !== null && remembered['asked'] === true)
      for (const our of disksOf(files, domain)) await unplugDisk(domain.uri, domain.domain, our);
    await removePublished(files, remembered);
    if (domain !== null && remembered['asked'] === true) await removeMark(fileOf(files, markFile), domain.disks);
  },

  safeguarding: null,
  converting: null,
  starting: null,
  files: null,
};

/** The VM that gets the disks, against which nothing speaks. @throws SendenseError `target.unfit`, `file.exists` */
async function receiverOf(request: Request, claim: AttachKvmClaim, signal?: AbortSignal): Promise<DomainLook> {
  const { to, disks } = request;
  assertPlain(claim.directory);
  await directoryTarget.assertFree(diskRequest(request, claim), claim);
  const look = await findDomain(to.libvirt, to.attachKvm, signal);
  await assertNotTwice(look, request, claim, signal);
  if (look.isSaved) throw saved(look.name);
  freePlaces(look, disks.length);
  return look;
}

async function assertNotTwice(
  look: DomainLook,
  { disks, from }: Request,
  { runId }: AttachKvmClaim,
  signal?: AbortSignal,
): Promise<void> {
  const { backup_id: point } = from.point();
  const twice = (await attachedAt([look], [], signal)).find(
    (one) => one.address !== null && one.run !== runId && one.point === point && isAmong(one.disk, disks),
  );
  if (twice) throw hasIt(look.name, `${twice.disk} of ${point} already`);
}

const isAmong = (disk: string | null, disks: Request['disks']): boolean => disks.some((one) => one.disk === disk);

function machineOf({ disks, from, to }: Request, { runId, others }: AttachKvmClaim, look: DomainLook): AttachedDomain {
  const { backup_id: point, vm: of } = from.point();
  return {
    name: look.name,
    domain: look.uuid,
    uri: to.libvirt,
    run: runId,
    point,
    of,
    disks: disks.map(({ disk }) => ({ disk, serial: serialOf(runId, disk, look.uuid) })),
    files: [...others],
    notes: ['no snapshot of the VM takes it along', attachedNotes.twice],
  };
}

function markOf({ disks }: Request, { run, point, of, domain, name, disks: marked }: AttachedDomain): AttachedMark {
  return {
    format: 'sendense-attached/1',
    run,
    point,
    of,
    domain: { uuid: domain, name },
    attached: null,
    disks: marked.map(({ disk, serial }) => ({
      disk,
      file: `${disk}.qcow2`,
      serial,
      bytes: disks.find((one) => one.disk === disk)?.capacity_bytes ?? 0,
    })),
  };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const disksIn = (files: NamesClaim): NamesClaim => files.filter(({ disk }) => disk !== markFile);

const fileOf = (files: NamesClaim, name: string): string => files.find(({ disk }) => disk === name)?.file ?? '';

const disksOf = (files: NamesClaim, { disks, point }: NonNullable<PlugClaim['domain']>): NewDisk[] =>
  disks.map(({ disk, serial }) => ({ serial, file: fileOf(files, disk), alias: aliasOf(point, disk) }));

const hasAll = (look: DomainLook | null, files: NamesClaim, domain: NonNullable<PlugClaim['domain']>): boolean =>
  look !== null && disksOf(files, domain).every((our) => isPlugged(look, our));

const saved = (name: string): SendenseError =>
  new SendenseError(
    'target.unfit',
    `the VM ${name} is saved (\`virsh managedsave\`), and would go on without the disk`,
    {
      remedy: 'Start the VM, then attach the disk.',
    },
  );

const takenOff = (name: string): SendenseError =>
  new SendenseError('target.unfit', `somebody has taken a disk off the VM ${name} at the same moment`, {
    remedy: 'Attach it again.',
  });

const noDomain = (): SendenseError =>
  new SendenseError('plan.invalid', 'the step does not say which VM gets the disks', {
    remedy:
      'Add `machine: ${{ default(steps.write.machine, null) }}` to the inputs of the step, as runners/restore.yaml has it.',
  });
