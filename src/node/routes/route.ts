import type { Call as ApiCall, Route as ApiRoute } from '../../api/route.ts';
import type { ApiLimits } from '../../api/limits.ts';
import type { IndexSpool } from '../jobs/index-spool.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { SharedDoctor } from '../doctor/shared-doctor.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Unbroken } from '../restores/unbroken.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';

/** What the routes act with. */
export interface NodeParts {
  readonly stateDir: string;
  /** Files and folders of the node itself, which are no disks: `stateDir`, and where the token is. */
  readonly own: readonly string[];
  /** Where disks of a hub may be beside its usual places: names and addresses of node.yaml. */
  readonly nbdHosts: readonly string[];
  readonly version: string;
  readonly jobs: Jobs;
  /** Work of requests that goes on without their callers. */
  readonly unbroken: Unbroken;
  readonly indexes: IndexSpool;
  /** Passwords that sources refused. */
  readonly refused: RefusedLogins;
  readonly limits: ApiLimits;
  readonly metrics: Metrics;
  readonly doctor: SharedDoctor;
  /** Where the API listens: a socket's path, or host and port; null before it does. */
  address(): string | null;
  /** This API as an OpenAPI document. */
  openApi(): Promise<Buffer>;
}

export type Call<Body = undefined> = ApiCall<NodeParts, Body>;

/** What the routes are about. Each names one of these. */
export const tags = {
  node: 'The node itself.',
  source: 'What there is to back up.',
  transfer: 'Starting transfers.',
  restore: 'New VMs of restore points.',
  jobs: 'Transfers that run or ended.',
} as const;

type Route<Body> = ApiRoute<NodeParts, Body> & { readonly tag: keyof typeof tags };

export const defineRoute = <Body = undefined>(route: Route<Body>): Route<Body> => route;
