import { resolve } from 'node:path';
import { listLeases } from '../state/runs/port-leases.ts';
import { vmOfMount } from '../state/files/restore-mounts.ts';
import { countRuns } from '../state/runs/runs.ts';
import { manageAttached } from './attached/manage-attached.ts';
import { manageActs } from './acts/manage-acts.ts';
import { adoptVm } from './vm-names/adopt-vm.ts';
import { checkAll } from './check/check-all.ts';
import { checkedInRescue } from './rescue/checked-in-rescue.ts';
import { deliverNow } from './runs/after-run.ts';
import { describeHistory } from './describe/describe-history.ts';
import { describeReads } from './describe/describe-reads.ts';
import { describeRun, findRunLog } from './describe/describe-run.ts';
import { describeStatus } from './describe/describe-status.ts';
import { discoverSource } from './discovery/discover-source.ts';
import { limitsOf } from './files/file-limits.ts';
import { chosenReader } from './files/keeper-socket.ts';
import type { Hub, HubOptions } from './hub.ts';
import { openParts, type HubParts } from './hub-parts.ts';
import { importNamed } from './import/import-named.ts';
import { listPoints } from './describe/list-points.ts';
import { manageAccess } from './access/manage-access.ts';
import { manageAudit } from './access/manage-audit.ts';
import { oidcLogin } from './access/oidc-login.ts';
import { manageTokens } from './access/manage-tokens.ts';
import { manageCare } from './repositories/manage-care.ts';
import { manageCredentials } from './credentials/manage-credentials.ts';
import { builtInNode } from './nodes/dial-hub.ts';
import { manageNodes } from './nodes/manage-nodes.ts';
import { manageNotices } from './notify/manage-notices.ts';
import { managePages } from './pages/manage-pages.ts';
import { managePlanFiles } from './plan-files/manage-plan-files.ts';
import { manageRetention } from './retention/manage-retention.ts';
import { manageSchedules } from './schedule/manage-schedules.ts';
import { previewPlan } from './runs/preview-plan.ts';
import { executePlan } from './runs/execute-plan.ts';
import { testCredential } from './credentials/test-credential.ts';
import { writePlan } from './discovery/write-plan.ts';

/** Everything that `sendense-run` can do. @throws SendenseError `settings.missing`, `settings.invalid`, `state.unusable` */
export async function openHub(options: HubOptions): Promise<Hub> {
  const stack = new AsyncDisposableStack();
  try {
    const parts = await openParts(options, stack);
    const { settings, written, settingsFile } = parts;
    const hub: Hub = {
      settings: written,
      settingsFile,
      ...runsOf(parts),
      ...recordsOf(parts),
      ...restorePointsOf(parts),
      ...managersOf(parts),
      ...servicesOf(parts, () => hub),
      files: async (folder) =>
        (await import('./files/file-sessions.ts')).createFileSessions(
          { hub, services: parts.services, folder, reader: chosenReader(settings) },
          limitsOf(settings),
        ),
      filesVm: (session) => vmOfMount(parts.state, session),
      fileReads: (filter) => describeReads(parts.state, filter),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
    return hub;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const runsOf = (parts: HubParts): Pick<Hub, 'run' | 'preview' | 'recover'> => ({
  run: (request) => executePlan(parts, request),

  preview: (request) => previewPlan(request, parts),

  recover: async (request) => {
    const output = await parts.recover(request);
    if (output.runs.length > 0) await deliverNow(parts.notices, () => {}, { waitMs: 0 });
    return output;
  },
});

type RecordCalls =
  | 'showRun'
  | 'history'
  | 'runLog'
  | 'status'
  | 'upkeep'
  | 'changes'
  | 'activity'
  | 'figures'
  | 'metrics'
  | 'writeMetrics';

const recordsOf = ({ state, settings, records }: HubParts): Pick<Hub, RecordCalls> => ({
  showRun: (id) => describeRun(state, id),

  history: async (filter) => describeHistory(state, filter),

  runLog: async (id) => findRunLog(state, id),

  status: (request) => describeStatus(state, settings.repositories, request),

  upkeep: (signal) => records.upkeep({ force: true, signal }),

  changes: () => state.changes(),

  activity: () => ({ runs: countRuns(state), leases: listLeases(state).length }),

  figures: () => records.figures(),

  metrics: () => records.figuresText(),

  writeMetrics: (warn) => records.writeMetrics(warn),
});

type PointCalls =
  | 'list'
  | 'leftOut'
  | 'unlisted'
  | 'lines'
  | 'show'
  | 'choose'
  | 'check'
  | 'adopt'
  | 'discover'
  | 'importRepository';

const restorePointsOf = ({ state, settings, services, loaded, rescue, recover }: HubParts): Pick<Hub, PointCalls> => ({
  ...listPoints({ state, settings, repositoryPath: services.repositoryPath, leftOut: services.leftOut }),

  check: async (request) => {
    const output = await checkAll(services, request);
    return rescue ? checkedInRescue(output, rescue) : output;
  },

  adopt: (request) => adoptVm(services, () => recover(), request),

  discover: (request) => discoverSource(services, request, (subject, target) => writePlan(loaded, subject, target)),

  importRepository: (name, options = {}) => importNamed(services, name, options),
});

type Managers =
  | 'access'
  | 'audit'
  | 'tokens'
  | 'oidc'
  | 'acts'
  | 'attached'
  | 'boots'
  | 'credentials'
  | 'nodeDoctor'
  | 'notices'
  | 'retention'
  | 'care'
  | 'nodes'
  | 'planFiles'
  | 'schedules'
  | 'pages';

const managersOf = (parts: HubParts): Pick<Hub, Managers> => {
  const { state, settings, written, settingsFile, settingsFolder, services, loaded } = parts;
  const care = manageCare(services, (signal) => parts.recover({ signal }));
  const nodes = manageNodes({ state, settings: written, settingsFolder, settingsFile });
  return {
    credentials: manageCredentials({ state, settings, settingsFolder }, (request) => testCredential(services, request)),

    access: manageAccess(state),

    audit: manageAudit(state),

    tokens: manageTokens(state),

    oidc: oidcLogin(state, settings.hub.oidc),

    attached: manageAttached(services, state),

    boots: async () => (await import('./boots/manage-boots.ts')).manageBoots(services),

    notices: manageNotices(parts.notices),

    acts: manageActs({ state, settings, settingsFile, settingsFolder }),

    retention: manageRetention(services, loaded),

    care,

    nodes,

    nodeDoctor: async (name, signal) =>
      (await import('./nodes/ask-doctor.ts')).askDoctor(services, nodes, name, signal),

    planFiles: managePlanFiles({
      folder: resolve(settingsFolder, settings.hub.plans ?? '.'),
      settingsFile,
      editable: settings.hub.editPlans,
      enrolledNodes: () =>
        nodes
          .list()
          .nodes.map(({ name }) => name)
          .filter((name) => name !== builtInNode),
    }),

    pages: managePages({
      state,
      settings,
      repositoryPath: services.repositoryPath,
      describe: (request) => describeStatus(state, settings.repositories, request),
      measure: () => care.repositories({ probe: false }),
      nodes: () => nodes.list().nodes,
    }),

    schedules: manageSchedules({ state, loaded, run: (request) => executePlan(parts, request) }),
  };
};

const servicesOf = (
  { state, written, settingsFile, settingsFolder }: HubParts,
  hub: () => Hub,
): Pick<Hub, 'serve' | 'serveSchedules'> => ({
  serveSchedules: async (serving) => {
    const { serveSchedules } = await import('./schedule/serve-schedules.ts');
    return serveSchedules({ state, settingsFile, ...serving });
  },

  serve: async (serving) => {
    const { serveHub } = await import('./serve-hub.ts');
    return serveHub({ hub: hub(), state, settings: written, settingsFolder, settingsFile, ...serving });
  },
});
