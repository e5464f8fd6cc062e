import type { StepContext, UndoContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { asVsphere } from '../../sources/vsphere/as-vsphere.ts';
import { findRun } from '../../state/runs/runs.ts';
import type { FollowedJob, TargetHub } from '../../targets/target-hub.ts';
import type { JobStatus, VsphereSourceSpec } from '../../schemas/types.ts';
import { followJob, type FollowContext } from '../at-node/follow-job.ts';
import { jobLogFile, keepingLog, keepJobLog } from '../at-node/keep-job-log.ts';
import { patienceOf, patientClient } from '../at-node/patient-client.ts';
import { removeJob } from '../at-node/remove-job.ts';
import { sendIndex } from '../at-node/send-indexes.ts';
import { loginFor } from '../at-node/source-login.ts';
import { sourceSpecOf } from '../at-node/source-spec.ts';
import { leaseSecondsOf, reconnectSecondsOf } from '../at-node/transfer-limits.ts';
import type { Services } from '../services.ts';
import { clearServed, serveToNode } from './serve-to-node.ts';

/** What a step, its preview, or its undo has. */
type Context = Pick<UndoContext<Services>, 'services' | 'runId' | 'stepId' | 'planFolder' | 'signal'> &
  Partial<Pick<StepContext<Services>, 'log' | 'warn' | 'alive' | 'progress'>>;

const quiet = (): void => undefined;

/** What a target acts with that is not at the hub. */
export function targetHub(context: Context): TargetHub {
  const { services, signal, runId } = context;
  const { log = quiet, warn = quiet, alive = quiet, progress = quiet } = context;
  const saying: FollowContext = { signal, log, warn, alive, progress };
  const serving = { ...context, log };
  const reconnectWith = (node: string): number => reconnectSecondsOf({}, services.settings, services.isEmbedded(node));
  const nodeNamed: TargetHub['node'] = async (name) =>
    patientClient(await services.node(name), patienceOf(saying, reconnectWith(name)));
  return {
    signal,
    log,
    warn,
    vsphere: (name, credential) => vsphereSpec(context, name, credential),
    login: (spec) => loginFor(services, spec, signal),
    node: nodeNamed,
    hasEnded: (id) => {
      const run = findRun(services.state, id);
      // A job of one that could not be cleaned up may still write.
      return run !== undefined && run.finished !== null && !run.unclean;
    },
    isOpen: (id) => {
      const run = findRun(services.state, id);
      return run !== undefined && run.finished === null;
    },
    serve: async (node, disks, from) => serveToNode(serving, node, disks, await from.keys()),
    clearServed: () => clearServed(context),
    sendIndex: async (client, disk, from) => sendIndex(client, disk.index, (await from.keys()).of(disk), signal),
    follow: (job) => follow(services, saying, { runId, reconnect: reconnectWith(job.node), nodeNamed }, job),
    endJob: async (node, jobId) => {
      const client = await services.node(node);
      const statePath = services.state.path;
      // After a crash or a cancel at once nobody has looked at it yet.
      if (!(await exists(jobLogFile(statePath, jobId)))) await keepJobLog({ client, jobId, statePath });
      const { gone } = await removeJob(client, jobId, { log, signal });
      if (!gone) throw new SendenseError('node.busy', `job ${jobId} on node ${node} has not ended yet`);
    },
  };
}

function vsphereSpec(
  { services, planFolder }: Context,
  source: string,
  credential: string | undefined,
): VsphereSourceSpec {
  const vm = { name: '', source, ...(credential === undefined ? {} : { credential }) };
  const spec = sourceSpecOf(vm, services.settings, { plan: planFolder, settings: services.settingsFolder });
  const found = asVsphere(spec);
  if (found) return found;
  throw new SendenseError('source.missing', `the source ${source} in sendense.yaml is not of type vsphere`);
}

interface Following {
  readonly runId: string;
  /** How long a break of the link to the node may last, s. */
  readonly reconnect: number;
  readonly nodeNamed: TargetHub['node'];
}

async function follow(
  services: Services,
  saying: FollowContext,
  { runId, reconnect, nodeNamed }: Following,
  job: FollowedJob,
): Promise<JobStatus> {
  const { node, jobId, disks, secrets, phaseOf, onStatus } = job;
  const { signal } = saying;
  const client = await nodeNamed(node);
  await job.start(client, services.isEmbedded(node) ? null : leaseSecondsOf(reconnect));
  const kept = { client, jobId, statePath: services.state.path, secrets };
  const status = await keepingLog(kept, { runId, signal }, () =>
    followJob(saying, client, jobId, { disks, phaseOf, onStatus, served: () => job.assertServed?.() }),
  );
  await client.remove(jobId, signal);
  for (const remark of status.remarks ?? []) saying.log(remark);
  for (const warning of status.warnings) saying.warn(warning);
  return status;
}
