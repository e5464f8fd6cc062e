import type { AnyStep, StepRegistry } from '../engine/step.ts';
import { backupCommit } from './backup-commit.ts';
import { chainDecide } from './chain-decide.ts';
import { commandRun } from './command-run.ts';
import { hubPreflight } from './hub-preflight.ts';
import { nbdServe } from './nbd-serve.ts';
import { nbdStop } from './nbd-stop.ts';
import { nodeInspect } from './node-inspect.ts';
import { nodeTransfer } from './node-transfer.ts';
import { pointSelect } from './point-select.ts';
import { portsAllocate } from './ports-allocate.ts';
import { portsRelease } from './ports-release.ts';
import { qcow2Create } from './qcow2-create.ts';
import { qcow2Seal } from './qcow2-seal.ts';
import { restorePublish } from './restore-publish.ts';
import { restoreVerify } from './restore-verify.ts';
import { restoreWrite } from './restore-write.ts';
import { groupResolve } from './group-resolve.ts';
import { groupRun } from './group-run.ts';
import { groupSettle } from './group-settle.ts';
import { pointsPrune } from './points-prune.ts';
import { pointsBoot } from './points-boot.ts';
import { pointsJudge } from './points-judge.ts';
import { pointsVerify } from './points-verify.ts';
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
  restoreWrite,
  restoreVerify,
  restorePublish,
  commandRun,
  pointsPrune,
  pointsVerify,
  pointsBoot,
  pointsJudge,
  groupResolve,
  groupRun,
  groupSettle,
];

export const stepRegistry: StepRegistry<Services> = new Map(builtInSteps.map((step) => [step.uses, step]));
