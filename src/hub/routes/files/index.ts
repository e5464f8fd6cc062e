import { listFiles, searchFiles, statFile } from './browse.ts';
import { downloadFolder } from './archive.ts';
import { compareMounts } from './compare.ts';
import { downloadFile } from './download.ts';
import { addSelection, downloadSelected, downloadSelection } from './selection.ts';
import { closeMount, listMounts, listTransfers, mountPoint, showMount, unchanged, unlockVolume } from './mounts.ts';
import type { FilesRoute } from './route.ts';

/** Files of restore points: the hub's API has these routes, and so has the keeper of the command line. */
export const filesRoutes: readonly FilesRoute[] = [
  mountPoint,
  listMounts,
  compareMounts,
  showMount,
  listFiles,
  statFile,
  searchFiles,
  downloadFile,
  downloadFolder,
  downloadSelection,
  addSelection,
  downloadSelected,
  listTransfers,
  unlockVolume,
  unchanged,
  closeMount,
];
