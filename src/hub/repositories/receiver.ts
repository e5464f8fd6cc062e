import { chmod, lstat, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, fsyncFolder, spaceOf, writeNewFile } from '../../host/files/files.ts';
import { allocatedIn } from '../../repository/stored-files/allocated.ts';
import { assertFits, capacityLimits } from '../../repository/stored-files/capacity.ts';
import { readContext } from '../../repository/stored-files/read-context.ts';
import { receiveFiles, type FileReceiver } from '../../repository/stored-files/receive-files.ts';
import { backingName, manifestPath } from '../../repository/layout.ts';
import { readManifestFile } from '../../repository/manifest-file.ts';
import { readManifest } from '../../repository/manifest.ts';
import { blockedBy, unfinishedRemedy, withChains } from '../../repository/merge/blocked.ts';
import { readIntents } from '../../repository/merge/intent.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import { laterAdoption, longerProtection, marksIn, readMarks } from '../../repository/marks.ts';
import { foreignImage } from '../../repository/own-image.ts';
import { assertHeld, publishText } from '../../repository/vm-lock/fenced.ts';
import { ownerOf, vmsUnder, type OwnedPoint } from '../../repository/vm-identity.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import { strayIndex } from '../../repository/stray-index.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { setMarks } from '../../state/points/point-marks.ts';
import { insertRestorePoint, type PointKey } from '../../state/points/restore-points.ts';
import { knownDisks } from '../../state/points/vm-disks.ts';
import { changeMarks } from '../../restore-points/hold/change-marks.ts';
import { settleImmutablePoints } from '../../restore-points/hold/immutable-points.ts';
import { ownedPoints } from '../../restore-points/choose/owned-points.ts';
import type { Services } from '../../steps/services.ts';
import type { MaintenanceRun } from './maintenance-run.ts';

/** What a repository has of a VM. */
export interface ReceiverFacts {
  /** Its name there. */
  readonly repository: string;
  /** Of its marker: of two paths to one repository this is the same. */
  readonly id: string;
  readonly points: readonly { readonly backup_id: string; readonly checksum: string }[];
  readonly disks: readonly { readonly number: number; readonly uuid: string }[];
  /** The VM to which the name belongs there; null, and missing where the other hub is older: it is not known. */
  readonly identity?: string | null;
  /** With which a removal that is not finished there has to do, and why: neither they nor what has to do with them is taken. */
  readonly blocked: readonly { readonly backup_id: string; readonly reason: string }[];
}

/** A repository that restore points are copied into: of this hub, or of another one over SSH. All calls throw SendenseErrors. */
export interface Receiver extends FileReceiver {
  /** The first call. Holds the VM's lock from then on. `run.locked`, `repository.unusable`, `repository.damaged` */
  hello(context: string): Promise<ReceiverFacts>;
  /** Whether so many bytes fit. `repository.full` */
  reserve(bytes: number): Promise<void>;
  /** Puts a manifest in place, all of whose files are there, and enters it in the state database; again is fine. `marks`: text of its marks. */
  commit(text: string, marks: string | null): Promise<void>;
  /** The last call. @returns warnings */
  done(): Promise<string[]>;
}

const name = '[A-Za-z0-9][A-Za-z0-9._-]{0,62}';

/** Receives into a repository of this hub. */
export function localReceiver(
  services: Services,
  repository: string,
  run: MaintenanceRun,
  signal?: AbortSignal,
): Receiver {
  const root = services.repositoryPath(repository);
  let context = '';
  let hold: VmHold | null = null;
  const held = (): VmHold => {
    if (hold === null) throw new SendenseError('link.protocol', 'the sender did not say which VM it is about');
    return hold;
  };
  const files = receiveFiles(root, { prove: () => assertHeld(held()), signal });
  let there: Folder = { manifests: new Map(), blocked: new Map() };
  /** What comes from another hub may name only files of the VM that it has the lock of. */
  const own = (path: string): string => {
    if (
      new RegExp(`^${name}/(disk-[0-9]+/${name}\\.(qcow2|index)|${name}\\.vm-config)$`).test(path) &&
      path.startsWith(`${context}/`)
    ) {
      assertNotBlocked(there.blocked, basename(path).replace(/\.[^.]+$/, ''));
      return path;
    }
    throw new SendenseError('repository.conflict', `${path} is no file of ${context}`);
  };
  return {
    async hello(wanted) {
      if (!new RegExp(`^${name}$`).test(wanted)) throw new SendenseError('usage', `${wanted} is no name of a VM`);
      const { id } = await services.openRepository(repository);
      hold = await run.lock({ repository, root, context: wanted });
      context = wanted;
      there = await folderOf(root, context);
      const { manifests, blocked } = there;
      const disks = new Map(knownDisks(services.state, { repository, context }));
      for (const manifest of manifests.values()) for (const disk of manifest.disks) disks.set(disk.uuid, disk.number);
      return {
        repository,
        id,
        points: [...manifests.values()].map(({ backup_id, checksum }) => ({ backup_id, checksum })),
        disks: [...disks].map(([uuid, number]) => ({ uuid, number })),
        identity: ownerOf(await ownedPoints(services.state, root, { repository, context })),
        blocked: [...blocked].map(([backup_id, reason]) => ({ backup_id, reason })),
      };
    },
    async reserve(bytes) {
      held();
      const limits = capacityLimits(services.settings.repositories[repository]);
      const [used, { free, total }] = await Promise.all([allocatedIn(root, signal), spaceOf(root)]);
      const usedByVm = used.contexts.get(context) ?? 0;
      assertFits(
        { repository, vm: context, needed: bytes, promised: 0, free, total, used: used.total, usedByVm },
        limits,
      );
    },
    begin: (path, bytes) => files.begin(own(path), bytes),
    write: (chunk) => files.write(chunk),
    finish: (facts) => files.finish({ ...facts, path: own(facts.path) }),
    adopt: (facts) => files.adopt({ ...facts, path: own(facts.path) }),
    async commit(text, marks) {
      const now = held();
      if (marks !== null && marksIn(marks) === null)
        throw new SendenseError('repository.damaged', 'marks that are not as they were written were sent');
      const manifest = await placeManifest(now, text, there.blocked, signal);
      const backupId = manifest.backup_id;
      insertRestorePoint(services.state, repository, manifest);
      if (marks !== null) await placeMarks(services.state, root, { repository, context, backupId }, marks);
      setMarks(services.state, { repository, context, backupId }, await currentMarks(root, context, backupId));
    },
    async done() {
      held();
      const warnings = severalVms(
        repository,
        context,
        await ownedPoints(services.state, root, { repository, context }),
      );
      await settleImmutablePoints(
        { services, signal: signal ?? new AbortController().signal, warn: (message) => void warnings.push(message) },
        repository,
        context,
      );
      return warnings;
    },
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

/** A sender that is older does not look whose restore points they are. */
function severalVms(repository: string, context: string, points: readonly OwnedPoint[]): string[] {
  const vms = vmsUnder(points);
  return vms.length < 2
    ? []
    : [
        `repository ${repository} has restore points of ${vms.length} VMs under the name ${context}: ${vms.map(({ identity }) => identity).join(', ')}; see \`sendense-run list ${context}\``,
      ];
}

/**
 * Marks that were made there stay; but what is protected in one of the two is protected in both, and whose VM a point is says who said
 * it last.
 */
async function placeMarks(state: State, root: string, key: PointKey, text: string): Promise<void> {
  const sent = marksIn(text);
  const own = await readMarks(root, key.context, key.backupId);
  const kept = longerProtection(own?.protected ?? null, sent?.protected ?? null);
  const adopted = laterAdoption(own?.adopted ?? null, sent?.adopted ?? null);
  if (own === null) await changeMarks(state, root, key, { protected: kept, broken: sent?.broken ?? null, adopted });
  else if (kept !== own.protected || adopted !== (own.adopted ?? null))
    await changeMarks(state, root, key, { protected: kept, adopted });
}

/** What is there of a VM. */
interface Folder {
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Why nothing may be added to them, by backup id; also of some that are gone. */
  readonly blocked: ReadonlyMap<string, string>;
}

async function folderOf(root: string, context: string): Promise<Folder> {
  if (!(await exists(join(root, context)))) return { manifests: new Map(), blocked: new Map() };
  // First: one that ends meanwhile blocks its chain this once, and what it takes away does not count as there.
  const intents = await readIntents(root, context);
  const { manifests } = await readContext(root, context);
  return { manifests, blocked: blockedBy([...manifests.values()], intents) };
}

/** @throws SendenseError `repository.damaged` */
function assertNotBlocked(blocked: ReadonlyMap<string, string>, id: string): void {
  const reason = blocked.get(id);
  if (reason === undefined) return;
  throw new SendenseError('repository.damaged', `${id} is not taken: ${reason}`, { remedy: unfinishedRemedy });
}

/** Byte for byte, after all that it names was found. */
async function placeManifest(
  hold: VmHold,
  text: string,
  blocked: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<Manifest> {
  const { root, context } = hold;
  const id = (parseJson(text) as { backup_id?: unknown } | null)?.backup_id;
  if (typeof id !== 'string' || !new RegExp(`^${name}$`).test(id))
    throw new SendenseError('repository.damaged', 'a manifest without an id was sent');
  assertNotBlocked(blocked, id);
  const path = join(root, manifestPath(context, id));
  if (await exists(path)) {
    await rm(`${path}.sendense-part`, { force: true });
    if ((await readManifestFile(path)).toString('utf8') === text) return readManifest(path);
    throw new SendenseError('repository.conflict', `${path} is another manifest than the one that was sent`);
  }
  const part = `${path}.sendense-part`;
  await rm(part, { force: true });
  try {
    await writeNewFile(part, text, 0o400);
    await chmod(part, 0o400);
    const manifest = await readManifest(part);
    if (manifest.vm.context !== context)
      throw new SendenseError('repository.conflict', `${id} is a restore point of ${manifest.vm.context}`);
    assertNotBlocked(withChains([manifest], blocked), id);
    await assertComplete(root, manifest, signal);
    await publishText(hold, path, text);
    await fsyncFolder(root);
    return manifest;
  } finally {
    await rm(part, { force: true });
  }
}

/** @throws SendenseError `repository.damaged` naming what is missing or another */
async function assertComplete(root: string, manifest: Manifest, signal?: AbortSignal): Promise<void> {
  const { context } = manifest.vm;
  const wrong = (what: string): never => {
    throw new SendenseError('repository.damaged', `${manifest.backup_id} cannot be committed: ${what}`);
  };
  const assertDigest = async (path: string, sha256: string): Promise<void> => {
    if ((await sha256OfFile(join(root, context, path), signal)) !== sha256)
      wrong(`${path} is not as its manifest says`);
  };
  for (const disk of manifest.disks) {
    const file = join(root, context, disk.path);
    if ((await lstat(file)).size !== disk.file_bytes) wrong(`${disk.path} has another size than its manifest says`);
    const foreign = await foreignImage(file, disk.parent);
    if (foreign !== null) wrong(`${disk.path} ${foreign}`);
    if (disk.parent !== null) {
      // Committed before it: so nothing is ever built on itself.
      const parent = await readManifest(join(root, manifestPath(context, disk.parent))).catch(() => null);
      if (!parent?.disks.some(({ number }) => number === disk.number))
        wrong(`${disk.path} is built on ${disk.parent}, which is not a restore point here`);
      if (!(await exists(join(dirname(file), backingName(disk.parent)))))
        wrong(`${backingName(disk.parent)} is not there`);
    }
    await assertDigest(disk.index.path, disk.index.sha256);
    const fault = await strayIndex(join(root, context, disk.index.path), disk);
    if (fault !== null) wrong(`${disk.index.path} ${fault}`);
  }
  if (manifest.vm_config) await assertDigest(manifest.vm_config.path, manifest.vm_config.sha256);
}
