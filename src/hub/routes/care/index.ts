import { flushNotices, keepHouse, recoverRuns } from './house.ts';
import { listGroups, runGroup, showGroup } from './groups.ts';
import { adoptVm, forgetBoot } from './names.ts';
import { previewPrune, startPrune } from './prunes.ts';
import { collectGarbage, importRepository, measureRepositories, repairRepository } from './repositories.ts';
import { dailyRuns, nextSlots, pastSlots } from './slots.ts';

/** What keeps a hub and its repositories in order, and what happened to schedules and groups. */
export const careRoutes = [
  previewPrune,
  startPrune,
  measureRepositories,
  collectGarbage,
  importRepository,
  repairRepository,
  recoverRuns,
  keepHouse,
  flushNotices,
  adoptVm,
  forgetBoot,
  listGroups,
  showGroup,
  runGroup,
  nextSlots,
  pastSlots,
  dailyRuns,
] as const;
