import { config, health, metrics, openapi } from './about.ts';
import { cleanup } from './cleanup.ts';
import { testDataPath } from './data-path.ts';
import { discover } from './discover.ts';
import { cancelJob, jobIndex, jobLog, jobStatus, jobVmConfig, listJobs, removeJob } from './jobs.ts';
import type { Api } from '../../api/route.ts';
import { askDoctor } from './doctor.ts';
import { tags, type NodeParts } from './route.ts';
import { checkRestore, compareRestore, finishRestore, powerRestore, startRestore, undoRestore } from './restore.ts';
import { attachedDisks, checkAttach, detachDisks, endAttach } from './attach.ts';
import { checkInPlace, endInPlace, startInPlace } from './in-place.ts';
import { indexFormatsKnown, putIndex, replicate, startBackup } from './transfer.ts';
import { cbtStatus, testCredentials, vmSpecChanges } from './vsphere.ts';

/** Every request that the node answers. A new one is added here; `npm run docs` makes `docs/openapi.json` of it. */
const routes: Api<NodeParts>['routes'] = [
  health,
  config,
  openapi,
  metrics,
  askDoctor,
  cleanup,
  testDataPath,
  discover,
  testCredentials,
  cbtStatus,
  vmSpecChanges,
  indexFormatsKnown,
  putIndex,
  startBackup,
  replicate,
  checkRestore,
  startRestore,
  compareRestore,
  finishRestore,
  powerRestore,
  undoRestore,
  checkInPlace,
  startInPlace,
  endInPlace,
  checkAttach,
  endAttach,
  attachedDisks,
  detachDisks,
  jobStatus,
  listJobs,
  cancelJob,
  jobLog,
  jobVmConfig,
  jobIndex,
  removeJob,
] as Api<NodeParts>['routes'];

/** The node's API. */
export const nodeApi: Api<NodeParts> = {
  name: 'the node',
  title: 'Sendense node',
  summary: 'The agent beside the disks: lets a hub see them and back them up.',
  server: { url: 'http://127.0.0.1:8081', description: 'On the node; from the hub through the tunnel.' },
  token: 'The token in STATE-DIR/token.',
  tags,
  routes,
};
