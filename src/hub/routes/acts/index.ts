import { detachKvmDisks, listAttachedKvm } from './attached-kvm.ts';
import { detachDisks, listAttached } from './attached.ts';
import { addCredential, changeCredential, listCredentials, removeCredential, testCredential } from './credentials.ts';
import { addNode, askNodeDoctor, removeNode, renameNode, renewNodeToken, revokeNode } from './nodes.ts';
import { testNotices } from './notices.ts';
import {
  bootScreen,
  bootSerial,
  endBoot,
  keepBoot,
  listBoots,
  moveBoot,
  previewBootKeep,
  showBoot,
  startBoot,
  startBootAgain,
  switchOffBoot,
} from './boots.ts';
import { choosePoint } from './choose-point.ts';
import { changeIds, completeBackup, startBackup } from './backups.ts';
import { previewPlan, previewText, validatePlan } from './plans.ts';
import { previewRemoval, removeBackup } from './removals.ts';
import { protectBackup, unprotectBackup } from './protect.ts';
import { listRestores, previewRestore, restoreTargets, showRestore, startRestore } from './restores.ts';
import { cancelRun, previewVerification, runPlan, verifyPoints } from './runs.ts';
import { backfillSchedule, pauseSchedule, resumeSchedule } from './schedules.ts';

/** What begins, ends or changes something. */
export const actRoutes = [
  startBackup,
  completeBackup,
  changeIds,
  choosePoint,
  protectBackup,
  unprotectBackup,
  previewRemoval,
  removeBackup,
  verifyPoints,
  previewVerification,
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
  previewBootKeep,
  bootScreen,
  listAttached,
  detachDisks,
  listAttachedKvm,
  detachKvmDisks,
  bootSerial,
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
  askNodeDoctor,
  removeNode,
  listCredentials,
  addCredential,
  changeCredential,
  removeCredential,
  testCredential,
  testNotices,
] as const;
