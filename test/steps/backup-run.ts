import type {
  BackupCommitInput,
  BackupCommitOutput,
  ChainDecideOutput,
  NbdServeOutput,
  NodeInspectOutput,
  NodeTransferOutput,
  PortsAllocateOutput,
  Qcow2CreateOutput,
  Qcow2SealOutput,
} from '../../src/schemas/types.ts';
import { backupCommit } from '../../src/steps/backup/backup-commit.ts';
import { chainDecide } from '../../src/steps/chain/chain-decide.ts';
import { nbdServe } from '../../src/steps/nbd/nbd-serve.ts';
import { nbdStop } from '../../src/steps/nbd/nbd-stop.ts';
import { nodeInspect } from '../../src/steps/at-node/node-inspect.ts';
import { nodeTransfer } from '../../src/steps/at-node/node-transfer.ts';
import { portsAllocate } from '../../src/steps/ports/ports-allocate.ts';
import { portsRelease } from '../../src/steps/ports/ports-release.ts';
import { qcow2Create } from '../../src/steps/qcow2/qcow2-create.ts';
import { qcow2Seal } from '../../src/steps/qcow2/qcow2-seal.ts';
import type { StepBench } from './step-bench.ts';

export interface BackupSpec {
  readonly run: string;
  readonly disks: readonly string[];
  readonly mode?: 'auto' | 'full' | 'incremental';
}

export const vmOf = (bench: StepBench, disks: readonly string[]): { name: string; source: object } => ({
  name: 'pgtest1',
  source: { type: 'image', disks: disks.map((disk) => ({ path: bench.folder.file(disk) })) },
});

/** The steps of a backup, one after the other, as far as `until`; what each gave to the next. */
export interface BackupParts {
  readonly inspected: NodeInspectOutput;
  readonly decided: ChainDecideOutput;
  readonly ports: PortsAllocateOutput;
  readonly created: Qcow2CreateOutput;
  readonly served: NbdServeOutput;
  readonly transferred: NodeTransferOutput;
  readonly sealed: Qcow2SealOutput;
  readonly commitInput: BackupCommitInput;
}

/** Everything before the commit. */
export async function prepareBackup(bench: StepBench, { run, disks, mode = 'auto' }: BackupSpec): Promise<BackupParts> {
  const vm = vmOf(bench, disks);
  const repository = 'primary';
  await using scopes = new AsyncDisposableStack();
  const does = async <O>(step: Parameters<StepBench['run']>[0], input: object): Promise<O> =>
    scopes.use(await bench.run<O>(step, input, { run })).output;
  const inspected = await does<NodeInspectOutput>(nodeInspect, { node: 'local', vm });
  const decided = await does<ChainDecideOutput>(chainDecide, {
    repository,
    vm,
    disks: inspected.disks,
    mode,
    onNoParent: 'full',
  });
  const ports = await does<PortsAllocateOutput>(portsAllocate, { disks: decided.disks });
  const created = await does<Qcow2CreateOutput>(qcow2Create, { repository, disks: decided.disks });
  const served = await does<NbdServeOutput>(nbdServe, {
    repository,
    disks: decided.disks,
    files: created.files,
    leases: ports.leases,
  });
  const transferred = await does<NodeTransferOutput>(nodeTransfer, {
    node: 'local',
    vm,
    source: inspected.source,
    repository,
    disks: decided.disks,
    targets: served.targets,
  });
  await does(nbdStop, { servers: served.servers });
  const sealed = await does<Qcow2SealOutput>(qcow2Seal, {
    repository,
    disks: decided.disks,
    transferred: transferred.disks,
    verify: 'changed',
  });
  const commitInput = {
    repository,
    vm,
    decision: decided,
    transferred: transferred.disks,
    sealed: sealed.disks,
    warnings: transferred.warnings,
  } as unknown as BackupCommitInput;
  return { inspected, decided, ports, created, served, transferred, sealed, commitInput };
}

export async function backup(bench: StepBench, spec: BackupSpec): Promise<BackupCommitOutput & { parts: BackupParts }> {
  const parts = await prepareBackup(bench, spec);
  await using committed = await bench.run<BackupCommitOutput>(backupCommit, parts.commitInput, { run: spec.run });
  await using _released = await bench.run(portsRelease, { leases: parts.ports.leases }, { run: spec.run });
  return { ...committed.output, parts };
}
