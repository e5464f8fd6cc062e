import { join } from 'node:path';
import { createApi, documentOf, type ApiLogger, type ApiServer } from '../api/create-api.ts';
import { defaultLimits, type ApiLimits } from '../api/limits.ts';
import { makeFolders } from '../host/files/make-folders.ts';
import type { JobStatus } from '../schemas/types.ts';
import { assertOwnStateFolder } from '../state/database/own-state.ts';
import type { SharedDoctor } from './doctor/shared-doctor.ts';
import { openIndexSpool } from './jobs/index-spool.ts';
import { openJobs } from './jobs/jobs.ts';
import { noMetrics, type Metrics } from './metrics/metrics.ts';
import { nodeApi } from './routes/index.ts';
import { unbroken } from './restores/unbroken.ts';
import { refusedLogins } from './vsphere/refused-logins.ts';

export interface NodeOptions {
  /** Absolute folder for jobs and indexes; made where it is missing. */
  readonly stateDir: string;
  /** Every request must bring it: `Authorization: Bearer …`. */
  readonly token: string;
  /** Where the token came from, if not from `stateDir`. */
  readonly tokenFile?: string | undefined;
  /** Further files and folders of whoever starts it, which are no disks. */
  readonly own?: readonly string[] | undefined;
  /** Where disks of a hub may be beside its usual places (`nbd: hosts` of node.yaml); default none. */
  readonly nbdHosts?: readonly string[] | undefined;
  readonly version: string;
  readonly doctor: SharedDoctor;
  readonly logger?: ApiLogger | undefined;
  readonly limits?: Partial<ApiLimits> | undefined;
  /** Whether it counts for `GET /metrics`; default true. */
  readonly metrics?: boolean | undefined;
  /** Jobs are cancelled when this process is gone; otherwise they outlive it, for the next node on the same folder. */
  readonly jobsEndWithUs?: boolean | undefined;
  /** Whether hubs may prove that they have the token, and be shown that this node has it; default true. Where nobody else can answer, none asks. */
  readonly proof?: boolean | undefined;
}

/** The node's HTTP API (`docs/node-api.md`), not listening yet. Closing it leaves running jobs alone. */
export async function createNode(options: NodeOptions): Promise<ApiServer> {
  const { stateDir, token, version, doctor, logger, nbdHosts = [] } = options;
  const own = [stateDir, ...(options.tokenFile === undefined ? [] : [options.tokenFile]), ...(options.own ?? [])];
  const limits = { ...defaultLimits, ...options.limits };
  assertOwnStateFolder(stateDir);
  makeFolders(stateDir);
  const indexes = await openIndexSpool(join(stateDir, 'indexes'));
  const refused = refusedLogins();
  const jobs = await openJobs({ stateDir, indexes, refused, own, endsWithUs: options.jobsEndWithUs });
  const goesOn = unbroken();
  const metrics = options.metrics === false ? noMetrics : await countFrom(version, await jobs.list());

  const parts = { stateDir, own, nbdHosts, version, jobs, unbroken: goesOn, indexes, refused, limits, metrics, doctor };
  const openApi = documentOf(nodeApi, version);
  const app: ApiServer = await createApi(nodeApi, {
    parts: { ...parts, openApi, address: () => addressOf(app) },
    token,
    limits,
    logger,
    figures: metrics,
    proof: options.proof !== false,
  });
  app.addHook('onClose', async () => {
    await goesOn[Symbol.asyncDispose]();
    await jobs[Symbol.asyncDispose]();
  });
  return app;
}

/** Imported here: not every node has metrics. */
const countFrom = async (version: string, jobs: readonly JobStatus[]): Promise<Metrics> =>
  (await import('./metrics/prometheus.ts')).createMetrics(version, jobs);

function addressOf(app: ApiServer): string | null {
  const address = app.server.address();
  if (address === null) return null;
  if (typeof address === 'string') return `unix:${address}`;
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
