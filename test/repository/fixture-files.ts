import { dirname } from 'node:path';
import { writeManifest as write } from '../../src/repository/manifest.ts';
import { writeMarks as mark, type Marks, type MarksChange } from '../../src/repository/marks.ts';
import type { VmHold } from '../../src/repository/vm-lock/vm-hold.ts';
import type { Manifest } from '../../src/schemas/types.ts';

/** A test that makes files which nobody else knows of needs no lock: what is staged lies beside them. */
const alone = (root: string, context: string, folder: string): VmHold => ({ root, context, fence: 1, folder });

/** As the product's, without the VM's lock. */
export const writeManifest = (path: string, content: Omit<Manifest, 'checksum'>): Promise<Manifest> =>
  write(alone(dirname(dirname(path)), '', dirname(path)), path, content);

/** As the product's, without the lock of the VM's marks. */
export const writeMarks = async (
  root: string,
  context: string,
  backupId: string,
  change: MarksChange,
): Promise<Marks> => mark(alone(root, context, root), backupId, change);
