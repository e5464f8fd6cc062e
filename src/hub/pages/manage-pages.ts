import type { NodesOutput, RepositoriesOutput, Settings, StatusOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import type { StatusRequest } from '../describe/describe-status.ts';
import { protectedBy } from '../discovery/protected-by.ts';
import { knownIdentities } from '../../state/points/known-identities.ts';
import { growthPage } from './growth-page.ts';
import { measuredRepositories } from './measured-repositories.ts';
import { noticePages } from './notice-pages.ts';
import type { Pages } from './pages.ts';
import { planPages } from './plan-pages.ts';
import { pointPages } from './point-pages.ts';
import { progressPages } from './progress-pages.ts';
import { runPages } from './run-pages.ts';
import { statusPage } from './status-page.ts';
import { timetable } from '../timetable/timetable.ts';
import { vmPages } from './vm-pages.ts';

export interface ManagePagesOptions {
  readonly state: State;
  readonly settings: Settings;
  repositoryPath(name: string): string;
  describe(request?: StatusRequest): Promise<StatusOutput>;
  measure(): Promise<RepositoriesOutput>;
  nodes(): NodesOutput['nodes'];
}

export function managePages(options: ManagePagesOptions): Pages {
  const { state, settings, repositoryPath, measure, describe, nodes } = options;
  const names = Object.keys(settings.repositories);
  const measured = measuredRepositories({ names, path: repositoryPath, measure, now: () => Date.now() });
  const vms = vmPages({ state, settings });
  return {
    ...pointPages({ state, settings, repositoryPath }),
    ...runPages(state),
    ...progressPages(state),
    ...vms,
    ...planPages(state),
    ...noticePages(state),
    timetable: (request) => timetable({ state, limits: settings.limits }, request),
    discovered: (output) => {
      const { entries } = vms.vms({ days: 0, offsetMinutes: 0 }, { limit: Infinity, after: null });
      return protectedBy(output, { vms: entries, identities: knownIdentities(state) });
    },
    growth: (one, offsetMs) => growthPage(state, one, offsetMs),
    repositories: (signal) => measured.all(signal),
    status: statusPage({ state, settings, pages: vms, measured, describe, nodes }),
  };
}
