import { pageOf } from '../../api/paging.ts';
import { noticePage } from '../../state/notices/notice-pages.ts';
import type { State } from '../../state/database/open-state.ts';
import { listVmNames } from '../../state/runs/runs.ts';
import { noticeOutput } from '../notify/manage-notices.ts';
import type { Pages } from './pages.ts';

/** Notices page by page. */
export const noticePages = (state: State): Pick<Pages, 'notices'> => ({
  notices({ sees, ...filter }, { limit, after }) {
    const vms = sees && listVmNames(state).filter(sees);
    const before = after === null ? null : Number(after[0]);
    const { entries, next } = pageOf(
      noticePage(state, { ...filter, vms, before, limit: limit + 1 }),
      limit,
      ({ notice }) => [notice.number],
    );
    return { entries: entries.map(noticeOutput), next };
  },
});
