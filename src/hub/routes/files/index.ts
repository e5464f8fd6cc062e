import type { Route } from '../../../api/route.ts';
import { listFiles, searchFiles, statFile } from './browse.ts';
import { downloadFolder, downloadSelection } from './archive.ts';
import { compareMounts } from './compare.ts';
import { downloadFile } from './download.ts';
import { closeMount, listMounts, mountPoint, showMount, unchanged, unlockVolume } from './mounts.ts';
import type { FilesParts } from './route.ts';

/** Files of restore points: the hub's API has these routes, and so has the keeper of the command line. */
export const filesRoutes: readonly Route<FilesParts>[] = [
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
  unlockVolume,
  unchanged,
  closeMount,
];
