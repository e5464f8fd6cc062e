import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { openIndex } from '../../../src/blocks/block-index.ts';
import { digestExport, type DigestExportOptions } from '../../../src/blocks/digest-export.ts';
import { imageTarget, type ImageKey } from '../../../src/host/images/image-options.ts';
import { runTool } from '../../../src/host/programs/process.ts';
import { convertImage, createQcow2 } from '../../../src/host/images/qemu-img.ts';
import { showsSame } from '../../../src/host/images/qemu-merge.ts';
import type { ImageKeys } from '../../../src/repository/image-keys.ts';
import { removeRunFolder } from '../../../src/host/programs/run-folder.ts';
import { checkRepository } from '../../../src/hub/check/check-repository.ts';
import { envelopeDigest } from '../../../src/repository/envelope.ts';
import { backingName, imagePath, indexPath, manifestPath } from '../../../src/repository/layout.ts';
import { writeManifest } from '../../repository/fixture-files.ts';
import { openRepository } from '../../../src/repository/open-repository.ts';
import type { CheckOutput, Manifest } from '../../../src/schemas/types.ts';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { insertRestorePoint, points } from '../../../src/state/points/restore-points.ts';
import { serveReadOnly } from '../../../src/restore-points/serve-chain.ts';
import { guestWrites, MiB } from '../../host/disk-images.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { someDisk, someManifest } from '../../repository/some-manifest.ts';

/** One disk of a restore point to be made. */
export interface DiskSpec {
  readonly number: number;
  readonly parent: string | null;
  /** Of qemu-io. */
  readonly commands: readonly string[];
  /** Bytes. */
  readonly capacity?: number;
  readonly key?: ImageKey;
  readonly compress?: boolean;
}

export interface MergeRepository extends AsyncDisposable {
  /** Holds `repository`, `state` and `truth`. */
  readonly folder: string;
  readonly root: string;
  readonly state: State;
  file(...names: string[]): string;
  add(id: string, disks: readonly DiskSpec[]): Promise<Manifest>;
  ids(): string[];
  /** Restore points of which a disk does not show, byte by byte, what it showed when it was made. */
  wrong(ids?: readonly string[], keys?: ImageKeys): Promise<string[]>;
  /** What the deep check of the repository finds. */
  findings(keys?: ImageKeys): Promise<string[]>;
}

const baseCapacity = 4 * MiB;
export const vm = { repository: 'primary', context: 'vm' };

export async function mergeRepository(template?: MergeRepository, parent?: string): Promise<MergeRepository> {
  const own = parent === undefined ? await temporaryFolder() : null;
  const folder = own?.path ?? parent ?? '';
  // node:fs keeps times to the microsecond only.
  if (template) await execa('cp', ['-a', `${template.folder}/.`, folder]);
  const root = join(folder, 'repository');
  await mkdir(join(folder, 'truth'), { recursive: true });
  await openRepository('primary', root, false);
  const state = openState(join(folder, 'state', 'sendense.db'));
  return open(folder, root, state, async () => {
    state.close();
    await own?.[Symbol.asyncDispose]();
  });
}

function open(folder: string, root: string, state: State, dispose: () => Promise<void>): MergeRepository {
  const file = (...names: string[]): string => join(root, ...names);
  const truth = (id: string, number: number): string => join(folder, 'truth', `${id}-${number}.raw`);
  const ids = (): string[] => points(state, vm).map(({ backup_id: id }) => id);
  return {
    folder,
    root,
    state,
    file,
    ids,
    async add(id, disks) {
      const made: Manifest['disks'][number][] = [];
      for (const disk of disks) made.push(await makeDisk(file, id, disk, truth(id, disk.number)));
      const before = points(state, vm).at(-1);
      const manifest = await writeManifest(
        file(manifestPath('vm', id)),
        someManifest(id, {
          vm: { name: 'vm', context: 'vm' },
          created: new Date((before?.created ?? 1_790_000_000_000) + 86_400_000).toISOString(),
          kind: disks.every(({ parent }) => parent === null) ? 'full' : 'incremental',
          parent: before?.backup_id ?? null,
          disks: made as Manifest['disks'],
        }),
      );
      insertRestorePoint(state, 'primary', manifest);
      return manifest;
    },
    async wrong(wanted = ids(), keys = undefined) {
      const found: string[] = [];
      for (const { backup_id: id, disks } of points(state, vm)) {
        if (!wanted.includes(id)) continue;
        for (const { number, path, encryption } of disks) {
          const image = file('vm', path);
          if (keys) {
            const target = await imageTarget(image, { key: keys.of({ encryption }), forceShare: true });
            const raw = {
              name: `json:${JSON.stringify({ driver: 'raw', file: { driver: 'file', filename: truth(id, number) } })}`,
              format: [],
              objects: [],
              secret: undefined,
            };
            if (!(await showsSame(target, raw))) found.push(`${id} disk-${number}`);
            continue;
          }
          const args = ['compare', '-f', 'qcow2', '-F', 'raw', image, truth(id, number)];
          const { exitCode, stderr } = await execa('qemu-img', args, { reject: false });
          if (exitCode !== 0) found.push(`${id} disk-${number}: ${exitCode} ${stderr}`);
        }
      }
      return found;
    },
    async findings(keys = undefined) {
      const { findings }: Pick<CheckOutput, 'findings'> = await checkRepository({
        root,
        deep: true,
        keys,
        known: () => new Map([['vm', new Map(points(state, vm).map((point) => [point.backup_id, point.checksum]))]]),
        claimed: () => new Set(),
      });
      return findings.map(({ code, path, message }) => `${code} ${path} ${message}`);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function makeDisk(
  file: MergeRepository['file'],
  id: string,
  { number, parent, commands, capacity = baseCapacity, key, compress = false }: DiskSpec,
  truth: string,
): Promise<Manifest['disks'][number]> {
  const image = file(imagePath('vm', number, id));
  const index = file(indexPath('vm', number, id));
  await mkdir(dirname(image), { recursive: true });
  const backing = parent === null ? null : backingName(parent);
  await createQcow2(image, capacity, backing, undefined, key ?? null);
  if (key) await lockedWrites(image, key, commands);
  else if (commands.length > 0) await guestWrites(image, 'qcow2', ...commands);
  if (compress) {
    const options = [
      'compression_type=zstd',
      ...(backing === null ? [] : [`backing_file=${backing}`, 'backing_fmt=qcow2']),
    ];
    await execa('qemu-img', ['convert', '-c', '-O', 'qcow2', '-o', options.join(','), image, `${image}.zstd`]);
    await rename(`${image}.zstd`, image);
  }
  const folderId = `test-${randomUUID().slice(0, 8)}`;
  const digest = await (async () => {
    await using server = await serveReadOnly(image, 'qcow2', folderId, undefined, key ?? null);
    return await digestExport({
      uri: server.uri,
      indexPath: index,
      ...(await indexForm(file, id, number, parent, capacity)),
    });
  })().finally(() => removeRunFolder(folderId));
  await convertImage({ from: await imageTarget(image, { key }), to: truth, toFormat: 'raw' });
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
    envelope: await envelopeDigest(image),
    ...(key ? { encryption: { format: 'luks' as const, key_id: key.id } } : {}),
    ...(compress ? { compression: { type: 'zstd' as const, plain_bytes: capacity } } : {}),
    index: { path: `disk-${number}/${id}.index`, bytes: digest.indexBytes, sha256: digest.indexSha256 },
  });
}

/** Every third restore point has an index of format 1. The others are built on their parent's, in whatever form that is. */
async function indexForm(
  file: MergeRepository['file'],
  id: string,
  number: number,
  parent: string | null,
  capacity: number,
): Promise<Pick<DigestExportOptions, 'compareWith' | 'store'>> {
  if (Number(/[0-9]+/.exec(id)?.[0] ?? 1) % 3 === 0) return {};
  if (parent === null) return { store: { format: 2, parent } };
  const compareWith = file(indexPath('vm', number, parent));
  await using below = await openIndex(compareWith);
  return below.capacity === capacity ? { compareWith, store: { format: 2, parent } } : {};
}

async function lockedWrites(image: string, key: ImageKey, commands: readonly string[]): Promise<void> {
  const { name, objects, secret } = await imageTarget(image, { key });
  await runTool('qemu-io', [...objects, ...commands.flatMap((command) => ['-c', command]), name], { secret });
}

/** Numbers that are the same each time. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a guest does between two backups: data, zeros that are written, and areas that are discarded, of any alignment. */
export function someWrites(next: (below: number) => number, capacity: number, count: number, longest = 8): string[] {
  return Array.from({ length: count }, () => {
    const what = next(8);
    const unit = what === 0 ? 512 : 65536;
    const offset = next(capacity / unit) * unit;
    const length = Math.min((1 + next(longest)) * unit, capacity - offset);
    if (what === 1) return `write -z ${offset} ${length}`;
    if (what === 2) return `write -z -u ${offset} ${length}`;
    if (what === 3) return `discard ${offset} ${length}`;
    return `write -P ${1 + next(254)} ${offset} ${length}`;
  });
}

export const idOf = (number: number): string => `p${String(number).padStart(2, '0')}`;
