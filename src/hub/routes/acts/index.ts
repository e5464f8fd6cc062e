import { addCredential, changeCredential, listCredentials, removeCredential, testCredential } from './credentials.ts';
import { addNode, removeNode, renameNode, renewNodeToken, revokeNode } from './nodes.ts';
import { testNotices } from './notices.ts';
import {
  bootScreen,
  endBoot,
  keepBoot,
  listBoots,
  moveBoot,
  showBoot,
  startBoot,
  startBootAgain,
  switchOffBoot,
} from './boots.ts';
import { changeIds, completeBackup, startBackup } from './backups.ts';
import { previewPlan, previewText, validatePlan } from './plans.ts';
import { protectBackup, unprotectBackup } from './protect.ts';
import { listRestores, previewRestore, restoreTargets, showRestore, startRestore } from './restores.ts';
import { cancelRun, runPlan, verifyPoints } from './runs.ts';
import { backfillSchedule, pauseSchedule, resumeSchedule } from './schedules.ts';

/** What begins, ends or changes something. */
export const actRoutes = [
  startBackup,
  completeBackup,
  changeIds,
  protectBackup,
  unprotectBackup,
  verifyPoints,
  listRestores,
  startRestore,
  previewRestore,
  restoreTargets,
  showRestore,
  listBoots,
  startBoot,
  showBoot,
  startBootAgain,
  switchOffBoot,
  endBoot,
  moveBoot,
  keepBoot,
  bootScreen,
  runPlan,
  previewPlan,
  previewText,
  validatePlan,
  cancelRun,
  pauseSchedule,
  resumeSchedule,
  backfillSchedule,
  addNode,
  renewNodeToken,
  renameNode,
  revokeNode,
  removeNode,
  listCredentials,
  addCredential,
  changeCredential,
  removeCredential,
  testCredential,
  testNotices,
] as const;
