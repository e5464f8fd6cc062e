import { join } from 'node:path';
import { mostVmConfigBytes } from '../../repository/layout.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { Manifest } from '../../schemas/types.ts';
import { report, type Walk } from './check-walk.ts';

/** The VM's configuration makes no disk unsound. */
export async function checkVmConfig(
  walk: Walk,
  context: string,
  { backup_id: id, vm_config: config }: Manifest,
): Promise<void> {
  if (!config) return;
  const path = join(context, config.path);
  const { root, signal } = walk.options;
  const sha256 = await sha256OfFile(join(root, path), signal, mostVmConfigBytes).catch(() => null);
  signal?.throwIfAborted();
  const remedy = 'Restore the file from a copy of the repository; the disks are not affected.';
  if (sha256 === null) report(walk, 'error', 'file.missing', id, path, 'is missing or cannot be read', remedy);
  else if (sha256 !== config.sha256)
    report(walk, 'error', 'file.changed', id, path, `is damaged: its SHA-256 is ${sha256}`, remedy);
}
