import { hash, randomUUID } from 'node:crypto';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { digestExport } from '../../src/blocks/digest-export.ts';
import { removeRunFolder } from '../../src/host/programs/run-folder.ts';
import { createQcow2 } from '../../src/host/images/qemu-img.ts';
import { checkRepository } from '../../src/hub/check/check-repository.ts';
import type { CheckOptions } from '../../src/hub/check/check-walk.ts';
import { envelopeDigest } from '../../src/repository/envelope.ts';
import { backingName, imagePath, indexPath, manifestPath, vmConfigPath } from '../../src/repository/layout.ts';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import { writeManifest } from '../repository/fixture-files.ts';
import { openRepository } from '../../src/repository/open-repository.ts';
import type { CheckOutput, Manifest } from '../../src/schemas/types.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
import { insertRestorePoint, points } from '../../src/state/points/restore-points.ts';
import { serveReadOnly } from '../../src/restore-points/serve-chain.ts';
import { guestWrites, MiB } from '../host/disk-images.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';

export const capacity = 4 * MiB;

interface PointSpec {
  readonly id: string;
  readonly parent?: string;
  readonly created: string;
  /** Of qemu-io, by disk. */
  readonly writes: readonly (readonly string[])[];
  readonly context?: string;
  /** Text of the VM's configuration; default: none is kept. */
  readonly vmConfig?: string;
  /** As versions before the envelope digest made it. */
  readonly old?: boolean;
}

export interface SmallRepository extends AsyncDisposable {
  readonly root: string;
  readonly state: State;
  file(...names: string[]): string;
  add(spec: PointSpec): Promise<Manifest>;
  /** A manifest of other content in the place of one, with a checksum that fits. */
  replaceManifest(id: string, change: (manifest: Manifest) => Manifest): Promise<void>;
  check(more?: Partial<CheckOptions>): Promise<Pick<CheckOutput, 'points_checked' | 'bytes_read' | 'findings'>>;
}

/** A repository as the steps leave it, made by the functions below them; VM `vm`. */
export async function smallRepository(template?: SmallRepository): Promise<SmallRepository> {
  const folder = await temporaryFolder();
  // With all times, as `cp -a` does; the state is complete because closing a database ends its log.
  if (template) await execa('cp', ['-a', `${template.root}/../.`, folder.path]);
  const root = folder.file('repository');
  await openRepository('primary', root, false);
  const state = openState(folder.file('state', 'sendense.db'));
  const file = (...names: string[]): string => folder.file('repository', ...names);
  return {
    root,
    state,
    file,
    async add({ id, parent, created, writes, context = 'vm', vmConfig, old = false }) {
      const disks = await Promise.all(
        writes.map((commands, number) =>
          makeDisk(file, { context, id, parent: parent ?? null, number, commands, old }),
        ),
      );
      if (vmConfig !== undefined) await writeFile(file(vmConfigPath(context, id)), vmConfig, { mode: 0o400 });
      const content = someManifest(id, {
        vm: { name: context, context },
        created,
        kind: parent === undefined ? 'full' : 'incremental',
        parent: parent ?? null,
        disks: disks as Manifest['disks'],
        ...(vmConfig === undefined
          ? {}
          : { vm_config: { path: `${id}.vm-config`, bytes: vmConfig.length, sha256: hash('sha256', vmConfig) } }),
      });
      const manifest = await writeManifest(file(manifestPath(context, id)), content);
      insertRestorePoint(state, 'primary', manifest);
      return manifest;
    },
    async replaceManifest(id, change) {
      const path = file(manifestPath('vm', id));
      const { readManifest } = await import('../../src/repository/manifest.ts');
      const content = change(await readManifest(path));
      await rm(path);
      await writeManifest(path, { ...content, checksum: manifestChecksum(content) } as Manifest);
    },
    check: (more = {}) =>
      checkRepository({ root, deep: true, known: () => checksums(state), claimed: () => new Set(), ...more }),
    async [Symbol.asyncDispose]() {
      state.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function checksums(state: State): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>();
  for (const { vm, backup_id, checksum } of points(state, { repository: 'primary' })) {
    known.set(vm.context, (known.get(vm.context) ?? new Map<string, string>()).set(backup_id, checksum));
  }
  return known;
}

async function makeDisk(
  file: SmallRepository['file'],
  {
    context,
    id,
    parent,
    number,
    commands,
    old,
  }: { context: string; id: string; parent: string | null; number: number; commands: readonly string[]; old: boolean },
): Promise<Manifest['disks'][number]> {
  const image = file(imagePath(context, number, id));
  const index = file(indexPath(context, number, id));
  await mkdir(dirname(image), { recursive: true });
  await createQcow2(image, capacity, parent === null ? null : backingName(parent));
  if (commands.length > 0) await guestWrites(image, 'qcow2', ...commands);
  const folderId = `test-${randomUUID().slice(0, 8)}`;
  const digest = await (async () => {
    await using server = await serveReadOnly(image, 'qcow2', folderId);
    return await digestExport({ uri: server.uri, indexPath: index });
  })().finally(() => removeRunFolder(folderId));
  const envelope = old ? {} : { envelope: await envelopeDigest(image) };
  await chmod(image, 0o400);
  await chmod(index, 0o400);
  const info = await stat(image, { bigint: true });
  return someDisk(id, number, {
    capacity_bytes: capacity,
    mode: parent === null ? 'full' : 'incremental',
    method: parent === null ? 'full' : 'digest',
    parent,
    file_bytes: Number(info.size),
    file_mtime_ns: String(info.mtimeNs),
    digest: digest.root,
    ...envelope,
    index: { path: `disk-${number}/${id}.index`, bytes: digest.indexBytes, sha256: digest.indexSha256 },
  });
}

/** Copies of one that is made once; {@link dropTemplate} at the end. */
export async function filledRepository(): Promise<SmallRepository> {
  return smallRepository(await (template ??= makeTemplate()));
}

let template: Promise<SmallRepository> | undefined;

export async function dropTemplate(): Promise<void> {
  await (await template)?.[Symbol.asyncDispose]();
  template = undefined;
}

/** Two VMs; `vm` has two disks and two chains: b1 <- b2 <- b3, and b4. */
async function makeTemplate(): Promise<SmallRepository> {
  const repository = await smallRepository();
  const { add } = repository;
  await add({
    id: 'b1',
    created: '2026-11-01T00:00:00.000Z',
    writes: [['write -P 17 0 1M', 'write -P 18 3M 64k'], ['write -P 33 1M 128k']],
  });
  await add({ id: 'b2', parent: 'b1', created: '2026-11-02T00:00:00.000Z', writes: [['write -P 19 64k 64k'], []] });
  await add({
    id: 'b3',
    parent: 'b2',
    created: '2026-11-03T00:00:00.000Z',
    writes: [['write -P 0 128k 64k'], ['write -P 34 2M 64k']],
  });
  await add({ id: 'b4', created: '2026-11-04T00:00:00.000Z', writes: [['write -P 20 0 64k'], ['write -P 35 0 64k']] });
  await add({ id: 'c1', created: '2026-11-01T00:00:00.000Z', writes: [['write -P 21 0 64k']], context: 'other-vm' });
  repository.state.close();
  return repository;
}
