import type { Route } from '../../../api/route.ts';
import { listFiles, searchFiles, statFile } from './browse.ts';
import { downloadFile, downloadFolder, downloadSelection } from './download.ts';
import { closeMount, listMounts, mountPoint, showMount, unlockVolume } from './mounts.ts';
import type { FilesParts } from './route.ts';

/** Files of restore points: the hub's API has these routes, and so has the keeper of the command line. */
export const filesRoutes: readonly Route<FilesParts>[] = [
  mountPoint,
  listMounts,
  showMount,
  listFiles,
  statFile,
  searchFiles,
  downloadFile,
  downloadFolder,
  downloadSelection,
  unlockVolume,
  closeMount,
];
