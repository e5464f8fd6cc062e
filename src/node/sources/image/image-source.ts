import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { DiskInfo, ImageSourceSpec } from '../../../schemas/types.ts';
import type { OpenDisk } from '../../../sources/open-source.ts';
import type { Source } from '../source.ts';
import { readChangedAreas } from './changed-areas.ts';
import { changedDataBytes } from './changed-data.ts';
import { checkDiskFile, type DiskSpec } from './disk-file.ts';
import { imageChain } from './image-chain.ts';
import { isLocal } from './is-local.ts';
import { assertOpenTo } from './judge-layers.ts';
import { serveImage } from './serve-image.ts';
import { assertNobodyWrites } from './writers.ts';

/** Disk images and block devices of this machine. The key of a disk is its place in the list, from 0. */
export const imageSource: Source<ImageSourceSpec> = {
  type: 'image',
  files: ({ disks }) =>
    disks.flatMap((disk, number) =>
      (['path', 'changes'] as const).flatMap((key) => {
        const path = disk[key];
        return path === null ? [] : [{ field: `/disks/${number}/${key}`, path }];
      }),
    ),
  inventory: null,
  login: null,
  traces: null,
  specChanges: null,
  discover: async (spec, { own = [], signal }) => {
    const disks = await Promise.all(spec.disks.map((disk, number) => inspect(disk, number, own, signal)));
    assertDistinct(disks);
    return { disks, warnings: [] };
  },
  open: async (spec, options) => ({
    keys: spec.disks.map((_, number) => String(number)),
    disk: async (key, signal) => {
      const disk = spec.disks[Number(key)];
      if (!disk || !/^(0|[1-9][0-9]*)$/.test(key))
        throw new SendenseError(
          'source.missing',
          `the source has no disk ${key}; it has 0 to ${spec.disks.length - 1}`,
        );
      return serveImage(disk, {
        ...options,
        key,
        signal: signal ?? options.signal,
        warnings: (block) => warningsOf(disk, block),
        changes: (capacity) => changesOf(disk, capacity, options.own ?? []),
      });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
};

async function inspect(
  disk: DiskSpec,
  number: number,
  own: readonly string[],
  signal?: AbortSignal,
): Promise<DiskInfo> {
  const field = `/source/disks/${number}`;
  return at(`${field}/path`, async () => {
    const file = await checkDiskFile(disk);
    const chain = await imageChain(file, { forceShare: disk.allow_in_use, own, signal });
    if (!disk.allow_in_use) await assertNobodyWrites(chain.files);
    const changes = await at(`${field}/changes`, () => changesOf(disk, chain.virtualSize, own));
    const allocated = file.block ? null : chain.allocatedBytes;
    const sizes = { capacity: chain.virtualSize, forceShare: disk.allow_in_use, signal };
    return {
      key: String(number),
      uuid: disk.uuid ?? uuidOf(await realpath(disk.path)),
      label: basename(disk.path),
      path: disk.path,
      format: file.format,
      capacity_bytes: chain.virtualSize,
      allocated_bytes: allocated,
      change_tracking: changes ? 'areas' : 'digest',
      change_id: changes?.changeId ?? null,
      changed_since: changes?.since ?? null,
      changed_bytes: changes ? changes.areas.reduce((sum, area) => sum + area.length, 0) : null,
      changed_data_bytes: changes && (await changedDataBytes(chain.layer, changes.areas, sizes)),
      still: !file.block && !disk.allow_in_use && (await isLocal(disk.path)),
      warnings: warningsOf(disk, file.block),
    };
  });
}

async function changesOf(disk: DiskSpec, capacity: number, own: readonly string[]): ReturnType<OpenDisk['changes']> {
  if (disk.changes === null) return null;
  if (!isAbsolute(disk.changes))
    throw new SendenseError(
      'request.invalid',
      `the path ${JSON.stringify(disk.changes)} of a changes file is not absolute`,
    );
  await assertOpenTo(disk.changes, own);
  return readChangedAreas(disk.changes, capacity);
}

const warningsOf = (disk: DiskSpec, block: boolean): string[] => {
  if (disk.allow_in_use) return ['read although another program may write to it: the copy may be torn'];
  return block ? ['a block device: what another host writes to it while it is read is not seen'] : [];
};

/** A UUID (version 8, RFC 9562) that follows from the file's real path alone. */
function uuidOf(path: string): string {
  const hex = createHash('sha256').update(`image:${path}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function assertDistinct(disks: readonly DiskInfo[]): void {
  const seen = new Map<string, DiskInfo>();
  for (const disk of disks) {
    const other = seen.get(disk.uuid);
    if (other) {
      throw new SendenseError(
        'request.invalid',
        `disks ${other.key} (${other.path}) and ${disk.key} (${disk.path}) are the same: uuid ${disk.uuid}`,
        {
          details: { field: `/source/disks/${disk.key}` },
        },
      );
    }
    seen.set(disk.uuid, disk);
  }
}

/** Runs a part and names the field that an error is about. */
async function at<T>(field: string, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    const { code, message, remedy, details, cause } = toSendenseError(error);
    throw new SendenseError(code, message, { remedy, cause, details: { field, ...details } });
  }
}
