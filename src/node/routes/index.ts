import { config, health, metrics, openapi } from './about.ts';
import { cleanup } from './cleanup.ts';
import { testDataPath } from './data-path.ts';
import { discover } from './discover.ts';
import { cancelJob, jobIndex, jobLog, jobStatus, jobVmConfig, listJobs, removeJob } from './jobs.ts';
import type { Route } from './route.ts';
import { indexFormatsKnown, putIndex, replicate, startBackup } from './transfer.ts';
import { cbtStatus, testCredentials, vmSpecChanges } from './vsphere.ts';

/** Every request that the node answers. A new one is added here; `npm run docs` makes `docs/openapi.json` of it. */
export const routes: readonly Route[] = [
  health,
  config,
  openapi,
  metrics,
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
  jobStatus,
  listJobs,
  cancelJob,
  jobLog,
  jobVmConfig,
  jobIndex,
  removeJob,
] as readonly Route[];
