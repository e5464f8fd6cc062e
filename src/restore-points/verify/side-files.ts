import { join } from 'node:path';
import { mostVmConfigBytes } from '../../repository/layout.ts';
import { marksPath, readMarks } from '../../repository/marks.ts';
import { stillCounts } from '../../repository/marks-of-vm.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { Marks } from '../../repository/marks.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { Problem } from './disk-work.ts';

export interface SideFiles {
  readonly problems: readonly Problem[];
  /** The mark of a damage that is about the files that are there. */
  readonly broken: NonNullable<Marks['broken']> | null;
}

/** The files of a restore point that break no disk: its marks and the VM's configuration. The one judge of `check` and `verify`. */
export async function examineSideFiles(root: string, manifest: Manifest, signal?: AbortSignal): Promise<SideFiles> {
  const problems: Problem[] = [];
  const { backup_id: id, vm_config: config } = manifest;
  const { context } = manifest.vm;
  const add = (code: Problem['code'], path: string, message: string): void =>
    void problems.push({ code, path, message });
  const marks = await readMarks(root, context, id).catch((error: Error) => {
    add('file.changed', marksPath(context, id), `is damaged: ${error.message}`);
    return null;
  });
  const broken = marks?.broken && stillCounts(marks.broken, manifest) ? marks.broken : null;
  if (!config) return { problems, broken };
  const path = join(context, config.path);
  const sha256 = await sha256OfFile(join(root, path), signal, mostVmConfigBytes).catch(() => null);
  signal?.throwIfAborted();
  if (sha256 === null) add('file.missing', path, 'is missing or cannot be read');
  else if (sha256 !== config.sha256) add('file.changed', path, `is damaged: its SHA-256 is ${sha256}`);
  return { problems, broken };
}
