import type { Api } from '../../api/route.ts';
import { actRoutes } from './acts/index.ts';
import { health, metrics, openapi } from './about.ts';
import { accessRoutes } from './access/index.ts';
import { careRoutes } from './care/index.ts';
import { handedOn } from './files/hand-on.ts';
import { watchEvents } from './events.ts';
import { filesRoutes } from './files/index.ts';
import { readLog } from './files/log.ts';
import { listBackups, showBackup, showChain } from './backups.ts';
import { listNodes } from './nodes.ts';
import { planFileRoutes } from './plan-files/index.ts';
import { listPlans, listSchedules, planSchema, showPlan, showPlanText } from './plans.ts';
import { showProgress, showRunProgress } from './progress.ts';
import { tags, type HubParts } from './route.ts';
import { listRuns, readRunLog, showRun } from './runs.ts';
import { copyPoints, showCopy } from './repositories/copies.ts';
import { checkRepository, showCheck } from './repositories/check.ts';
import { previewPlanPrune, showPlanPrune } from './repositories/prune-preview.ts';
import { listRepositories, showGrowth, showRepository } from './repositories/repositories.ts';
import { listChannels, listNotices, showStatus } from './status.ts';
import { discoverSource, listSources, proposePlan, showDiscovery, sourceVms } from './sources/sources.ts';
import { showTimetable } from './timetable.ts';
import { listVms, showVm } from './vms.ts';

/** The hub's API. A new route is added here; `npm run docs` makes `docs/hub-openapi.json` of them. */
export const hubApi: Api<HubParts> = {
  name: 'the hub',
  help: '`GET /api/v1/openapi.json` lists what the API has.',
  title: 'Sendense hub',
  summary: 'What the hub does: its nodes, its runs, its figures, and files of its restore points.',
  server: { url: 'http://127.0.0.1:8082', description: 'On the hub (`hub: api`).' },
  token: 'The token in hub-api.token beside the state database (`hub: apiToken`).',
  tokensOfRights: { figures: 'The token in hub-metrics.token beside the state database (`hub: metricsToken`).' },
  tags,
  etags: true,
  locates: true,
  routes: [
    health,
    openapi,
    metrics,
    showStatus,
    watchEvents,
    listVms,
    showVm,
    listBackups,
    showBackup,
    showChain,
    listRuns,
    showRun,
    readRunLog,
    showProgress,
    showRunProgress,
    listPlans,
    showPlan,
    showPlanText,
    planSchema,
    listSchedules,
    ...planFileRoutes,
    showTimetable,
    listRepositories,
    showRepository,
    showGrowth,
    checkRepository,
    showCheck,
    copyPoints,
    showCopy,
    previewPlanPrune,
    showPlanPrune,
    listSources,
    discoverSource,
    sourceVms,
    showDiscovery,
    proposePlan,
    listNotices,
    listChannels,
    listNodes,
    ...actRoutes,
    ...careRoutes,
    ...accessRoutes,
    readLog,
    ...filesRoutes.map(handedOn),
  ],
};
