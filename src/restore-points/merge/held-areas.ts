import { lstat } from 'node:fs/promises';
import { availableMemory } from 'node:process';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { normalise, totalLength, type Extent } from '../../blocks/extents.ts';
import { imageTarget, type ImageKey } from '../../host/images/image-options.ts';
import { mapImage, type Allocation } from '../../host/images/qemu-img.ts';
import type { OwnData } from '../../host/images/qemu-map.ts';

/**
 * What images hold themselves, whatever is below them. What was found before a merge began need not be asked again while the
 * file is the same: device, inode, size, and both times of change, of which nobody can set back the second.
 */
export interface HeldAreas {
  /** Maps an image alone. @param meanwhile begins when the program that does it has begun */
  map(file: string, key: ImageKey | null, meanwhile?: () => void): Promise<Allocation[]>;
  /** The same of an image alone whose tables `read` has read and proven; null, as `read` says: they cannot be told so. */
  tell<T extends { readonly areas: readonly Extent[] }>(file: string, read: () => Promise<T | null>): Promise<T | null>;
  /** Of any of these images. */
  of(files: readonly string[], key: ImageKey | null): Promise<Extent[]>;
  /** Each of these blocks was compared with the block index just now; for a file that was mapped before. */
  proven(file: string, blocks: GuestBlocks): void;
  /** What was proven of the file, if it is the same since, and so small that it is still in memory. */
  provenIn(file: string): Promise<readonly OwnData[]>;
  /** Nothing of it will be asked again. */
  forget(): void;
}

interface Known {
  readonly version: string | null;
  readonly areas: readonly Extent[];
  proven: readonly OwnData[];
}

/** Of the memory that could be had, what a file may take to be taken for still being there. */
const shareOfMemory = 4;

export function createHeldAreas(signal: AbortSignal | undefined): HeldAreas {
  const known = new Map<string, Known>();
  const sameAs = async (file: string): Promise<Known | undefined> => {
    const found = known.get(file);
    return found?.version != null && found.version === (await versionOf(file)) ? found : undefined;
  };
  const map: HeldAreas['map'] = async (file, key, meanwhile) => {
    const version = await versionOf(file);
    const mapping = mapImage(await imageTarget(file, { key, alone: true, forceShare: true }), signal);
    meanwhile?.();
    const found = await mapping;
    known.set(file, { version, areas: areasOf(found), proven: [] });
    return found;
  };
  return {
    map,
    async tell(file, read) {
      const version = await versionOf(file);
      const found = await read();
      if (found) known.set(file, { version, areas: found.areas, proven: [] });
      return found;
    },
    async of(files, key) {
      const all: Extent[] = [];
      for (const file of files) {
        const areas = (await sameAs(file))?.areas ?? areasOf(await map(file, key));
        for (const area of areas) all.push(area);
      }
      return normalise(all);
    },
    proven(file, { extents }) {
      const found = known.get(file);
      const bytes = totalLength(extents.map(({ guest, length }) => ({ offset: guest, length })));
      if (found && bytes <= availableMemory() / shareOfMemory) found.proven = extents;
    },
    provenIn: async (file) => (await sameAs(file))?.proven ?? [],
    forget: () => known.clear(),
  };
}

async function versionOf(file: string): Promise<string | null> {
  const info = await lstat(file, { bigint: true }).catch(() => null);
  return info && [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' ');
}

/** What of the disk the image itself holds. */
export const areasOf = (map: readonly Allocation[]): Extent[] =>
  map.filter(({ depth, present }) => depth === 0 && present).map(({ start, length }) => ({ offset: start, length }));
