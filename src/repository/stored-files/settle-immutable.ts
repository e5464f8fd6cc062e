import { join } from 'node:path';
import { immutableFiles, setImmutable } from '../../host/files/file-flags.ts';
import { manifestPath } from '../layout.ts';

/** The files of a restore point, as its manifest names them. */
export interface PointFiles {
  readonly backup_id: string;
  readonly vm: { readonly context: string };
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly disks: readonly { readonly path: string; readonly index: { readonly path: string } }[];
  readonly vm_config?: { readonly path: string } | null | undefined;
}

/** Every committed file of a restore point that never changes, relative to the repository; the manifest is the last. */
export const filesOfPoint = ({ backup_id: id, vm: { context }, disks, vm_config: config }: PointFiles): string[] => [
  ...disks.flatMap((disk) => [join(context, disk.path), join(context, disk.index.path)]),
  ...(config ? [join(context, config.path)] : []),
  manifestPath(context, id),
];

/**
 * Makes the files of these restore points what they should be: immutable up to an age, free from then on. Also mends what
 * a kill between lifting and setting has left.
 * @param forMs age at which files are set free; Infinity: never
 * @throws SendenseError `tool.failed`, `tool.missing`
 */
export async function settleImmutable(
  root: string,
  points: readonly PointFiles[],
  { forMs, now, signal }: { readonly forMs: number; readonly now: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const wanted = (point: PointFiles): boolean => now - point.created < forMs;
  const paths = (some: readonly PointFiles[]): string[] => some.flatMap(filesOfPoint).map((path) => join(root, path));
  const locked = await immutableFiles(paths(points), signal);
  const lock = paths(points.filter(wanted)).filter((path) => !locked.has(path));
  const free = paths(points.filter((point) => !wanted(point))).filter((path) => locked.has(path));
  await setImmutable(lock, true, signal);
  await setImmutable(free, false, signal);
}
