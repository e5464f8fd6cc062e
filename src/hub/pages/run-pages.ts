import { stat } from 'node:fs/promises';
import { pageOf } from '../../api/paging.ts';
import type { State } from '../../state/database/open-state.ts';
import { runMark, runPage } from '../../state/runs/run-pages.ts';
import { findRun, listVmNames } from '../../state/runs/runs.ts';
import { historyRun } from '../describe/describe-history.ts';
import { runLogFile } from '../runs/run-log/place.ts';
import type { Pages } from './pages.ts';
import { readLogPart } from './run-log-part.ts';

/** Runs page by page, and their logs part by part. */
export const runPages = (state: State): Pick<Pages, 'runs' | 'factsOfRun' | 'markOfRun' | 'runLog'> => ({
  runs({ sees, ...filter }, { limit, after }) {
    const vms = sees && listVmNames(state).filter(sees);
    const place = after as [number, string] | null;
    const found = runPage(state, { ...filter, vms, after: place, limit: limit + 1 });
    const { entries, next } = pageOf(found, limit, ({ started, id }) => [started, id]);
    return { entries: entries.map(historyRun), next };
  },
  factsOfRun: (id) => findRun(state, id),
  async markOfRun(id) {
    const log = await stat(runLogFile(state.path, id)).catch(() => null);
    return `${runMark(state, id)} ${log?.size ?? 0}`;
  },
  runLog: (id, part) => readLogPart(state, id, part),
});
