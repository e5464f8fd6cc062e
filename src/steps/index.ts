import type { AnyStep, StepRegistry } from '../engine/step.ts';
import { backupCommit } from './backup/backup-commit.ts';
import { chainDecide } from './chain/chain-decide.ts';
import { commandRun } from './command/command-run.ts';
import { hubPreflight } from './at-hub/hub-preflight.ts';
import { nbdServe } from './nbd/nbd-serve.ts';
import { nbdStop } from './nbd/nbd-stop.ts';
import { nodeInspect } from './at-node/node-inspect.ts';
import { nodeTransfer } from './at-node/node-transfer.ts';
import { pointSelect } from './points/point-select.ts';
import { portsAllocate } from './ports/ports-allocate.ts';
import { portsRelease } from './ports/ports-release.ts';
import { qcow2Create } from './qcow2/qcow2-create.ts';
import { qcow2Seal } from './qcow2/qcow2-seal.ts';
import { bootCopy } from './boot/boot-copy.ts';
import { bootDecide } from './boot/boot-decide.ts';
import { bootFinish } from './boot/boot-finish.ts';
import { bootJudge } from './boot/boot-judge.ts';
import { bootStart } from './boot/boot-start.ts';
import { restoreConvert } from './restore/restore-convert.ts';
import { restorePublish } from './restore/restore-publish.ts';
import { restoreSafeguard } from './restore/restore-safeguard.ts';
import { restoreStart } from './restore/restore-start.ts';
import { restoreVerify } from './restore/restore-verify.ts';
import { restoreWrite } from './restore/restore-write.ts';
import { filesExpect } from './files/files-expect.ts';
import { filesOpen } from './files/files-open.ts';
import { filesPublish } from './files/files-publish.ts';
import { filesTake } from './files/files-take.ts';
import { groupResolve } from './group/group-resolve.ts';
import { groupRun } from './group/group-run.ts';
import { groupSettle } from './group/group-settle.ts';
import { pointsPrune } from './points/points-prune.ts';
import { pointsBoot } from './points/points-boot.ts';
import { pointsFiles } from './points/points-files.ts';
import { pointsJudge } from './points/points-judge.ts';
import { pointsVerify } from './points/points-verify.ts';
import type { Services } from './services.ts';

/** The built-in steps, in the order in which the runners use them. */
export const builtInSteps: readonly AnyStep<Services>[] = [
  hubPreflight,
  nodeInspect,
  chainDecide,
  portsAllocate,
  qcow2Create,
  nbdServe,
  nodeTransfer,
  nbdStop,
  qcow2Seal,
  backupCommit,
  portsRelease,
  pointSelect,
  filesOpen,
  filesExpect,
  filesTake,
  filesPublish,
  restoreWrite,
  restoreVerify,
  restoreConvert,
  restorePublish,
  restoreSafeguard,
  restoreStart,
  commandRun,
  pointsPrune,
  pointsVerify,
  pointsBoot,
  pointsFiles,
  pointsJudge,
  groupResolve,
  groupRun,
  groupSettle,
  bootDecide,
  bootCopy,
  bootStart,
  bootFinish,
  bootJudge,
];

export const stepRegistry: StepRegistry<Services> = new Map(builtInSteps.map((step) => [step.uses, step]));
