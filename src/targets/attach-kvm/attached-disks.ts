import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from '../../host/files/files.ts';
import type { DomainDisk, DomainLook } from '../../host/libvirt/domain-devices.ts';
import type { AttachedDisk, AttachedMark } from '../../schemas/types.ts';
import { isSerial } from './attached-mark.ts';
import { folderOfLeaving, markAt } from './leaving-mark.ts';
import { isOur } from './plug-disk.ts';
import { usualFolder } from './usual-folder.ts';

/** A disk of a restore point that a VM of libvirt has, or that was made for one. */
export interface AttachedKvmDisk extends AttachedDisk {
  /** In which its mark lies. */
  readonly folder: string;
  readonly mark: AttachedMark;
}

interface Held {
  readonly look: DomainLook;
  readonly disk: DomainDisk;
}

/**
 * The disks with our mark of these domains, and those whose VM does not have them any more: somebody has taken them off, or removed it.
 * Only what bears the mark in its serial number and beside its file counts.
 * @param looks all domains of that libvirt, or those that matter
 * @param known folders in which disks were made
 */
export async function attachedAt(
  looks: readonly DomainLook[],
  known: readonly string[] = [],
  signal?: AbortSignal,
): Promise<AttachedKvmDisk[]> {
  const held = looks.flatMap((look) => disksOf(look).map((disk) => ({ look, disk })));
  const folders = new Set<string>(known);
  for (const { disk } of held) if (disk.file !== null && isSerial(disk.serial)) folders.add(dirname(disk.file));
  const bases = new Set([usualFolder, ...held.flatMap(({ disk }) => (disk.file === null ? [] : basesOf(disk.file)))]);
  for (const base of bases) for (const folder of await ourFoldersIn(base)) folders.add(folder);
  const found: AttachedKvmDisk[] = [];
  for (const folder of folders) {
    signal?.throwIfAborted();
    const mark = await markAt(folder);
    if (mark !== null) found.push(...(await markedDisks(folder, mark, held)));
  }
  return found.toSorted((a, b) => a.vm.localeCompare(b.vm) || (a.attached ?? 0) - (b.attached ?? 0));
}

/** As it runs, and as it will be: a disk of both once. */
function disksOf({ live, config }: DomainLook): DomainDisk[] {
  const all = [...(live?.disks ?? []), ...(config?.disks ?? [])];
  return all.filter(
    (disk, nth) =>
      all.findIndex((one) => one.serial === disk.serial && one.file === disk.file && one.name === disk.name) === nth,
  );
}

/** Beside the other disks of a VM there may be one that it had. */
const basesOf = (file: string): string[] => [dirname(file), dirname(dirname(file))];

async function ourFoldersIn(base: string): Promise<string[]> {
  const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => {
    if (!entry.name.startsWith('sendense-')) return [];
    const path = join(base, entry.name);
    const folder = entry.isDirectory() ? path : entry.isFile() ? folderOfLeaving(path) : null;
    return folder === null ? [] : [folder];
  });
}

async function markedDisks(folder: string, mark: AttachedMark, held: readonly Held[]): Promise<AttachedKvmDisk[]> {
  const disks = await Promise.all(
    mark.disks.map(async (one) => {
      const file = join(folder, one.file);
      const having = held.filter(({ disk }) => disk.serial === one.serial || disk.file === file);
      return { ...one, file, having, isThere: having.length > 0 || (await exists(file)) };
    }),
  );
  // The mark of several tells by their files which have gone, and goes with the last of them.
  const isOver = !disks.some(({ isThere }) => isThere);
  return disks
    .filter(({ isThere }) => isThere || isOver)
    .flatMap(({ disk, file, serial, bytes, having }) => {
      const own = having.find(({ look }) => look.uuid === mark.domain.uuid) ?? having[0];
      // A run is about to attach it, or has failed and will remove it.
      if (!own && mark.attached === null) return [];
      return {
        id: serial,
        vm: own?.look.name ?? mark.domain.name,
        moref: own?.look.uuid ?? mark.domain.uuid,
        of: mark.of,
        point: mark.point,
        disk,
        run: mark.run,
        attached: mark.attached,
        label: own?.disk.name ?? null,
        address: own ? `${own.disk.bus}:${own.disk.name}` : null,
        file,
        capacity_bytes: bytes,
        problem: problemOf(mark, { file, serial }, having),
        folder,
        mark,
      };
    });
}

/** Why nobody may remove it; null: nothing speaks against that. */
function problemOf(
  { domain }: AttachedMark,
  our: { readonly file: string; readonly serial: string },
  having: readonly Held[],
): string | null {
  const other = having.find(({ look }) => look.uuid !== domain.uuid);
  if (other && having.length > 1) return `the VM ${other.look.name} has it, too`;
  if (other) return `it was attached to the VM ${domain.name} (${domain.uuid}), and ${other.look.name} has it`;
  const changed = having.find(({ disk }) => !isOur(disk, our));
  if (changed)
    return changed.disk.file === our.file
      ? `its serial number is ${changed.disk.serial ?? 'missing'}, and it was ${our.serial}`
      : `the VM has ${changed.disk.file ?? 'something'} in its place, which may be built on it`;
  return having.some(({ look }) => look.isSaved)
    ? 'the VM is saved with it (`virsh managedsave`), and could not go on without it: start the VM first'
    : null;
}
