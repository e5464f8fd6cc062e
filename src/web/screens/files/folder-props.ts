import type { RestorePointOutput } from '../../../schemas/types.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import type { Where } from '../../shell/files-place.ts';

/** What the parts of a folder are about. */
export interface FolderProps {
  readonly point: OpenPoint;
  /** All restore points of the VM, the newest first. */
  readonly points: readonly RestorePointOutput[];
  readonly where: Where;
}
