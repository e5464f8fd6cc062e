import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { diskName } from '../repository/layout.ts';
import { verifyChain, type ChainVerdict, type VerifyChainOptions } from '../repository/verify-chain.ts';
import { identityOf } from '../repository/vm-identity.ts';
import { marksKey, marksOf } from '../state/point-marks.ts';
import { usePoint } from '../state/point-uses.ts';
import { choosePoint, noSuchPoint } from '../state/choose-point.ts';
import type { State } from '../state/open-state.ts';
import { findPoint, points, type RestorePoint } from '../state/restore-points.ts';
import type { PointChoice, PointSelectInput, PointSelectOutput } from '../schemas/types.ts';
import { assertOneVm } from './assert-one-vm.ts';
import { defineStep } from './define-step.ts';
import { followMarks } from './follow-marks.ts';
import { followMerges } from './follow-merges.ts';
import type { Services } from './services.ts';
import { storedChain } from './stored-chain.ts';
import type { VmReference } from './source-spec.ts';
import { brokenBelow } from './verify/broken-points.ts';

export const pointSelect = defineStep<PointSelectInput, null, PointSelectOutput>({
  uses: 'point.select',
  title: 'Find the restore point',
  claim: () => null,

  async plan({ services }, input) {
    const { output, remark } = await select(services, input);
    return {
      effects: output.disks.map((disk) => ({
        action: 'read',
        target: disk.file,
        detail: `${disk.disk}, ${disk.capacity_bytes} bytes`,
        argv: null,
      })),
      notes: [chosenText(output), ...(remark === null ? [] : [remark])],
      output,
    };
  },

  async run({ services, log, warn, runId }, input) {
    const { output, remark } = await select(services, input, (point) =>
      usePoint(services.state, runId, {
        repository: input.repository,
        context: point.vm.context,
        backupId: point.backup_id,
      }),
    );
    if (remark !== null) warn(remark);
    log(chosenText(output));
    return output;
  },
});

const chosenText = ({ backup_id: id, created, why }: PointSelectOutput): string =>
  `restore point ${id} of ${new Date(created).toISOString()}: ${why}`;

async function select(
  services: Services,
  input: PointSelectInput,
  use: (point: RestorePoint) => void = () => {},
): Promise<{ output: PointSelectOutput; remark: string | null }> {
  const { name } = input.vm as unknown as VmReference;
  const root = services.repositoryPath(input.repository);
  await followMarks(services.state, root, { repository: input.repository, context: name });
  // From here nothing of it is removed or merged until the run has ended.
  const { point, remark, why } = services.state.transaction(() => {
    const found = find(services, input);
    use(found.point);
    return found;
  });
  const wanted = point.disks.filter((disk) => !input.disks || input.disks.includes(disk.number));
  const missing = (input.disks ?? []).filter((number) => !point.disks.some((disk) => disk.number === number));
  if (missing.length > 0) {
    throw new SendenseError(
      'point.unknown',
      `restore point ${point.backup_id} has no ${missing.map(diskName).join(', ')}; it has ${point.disks.map((disk) => diskName(disk.number)).join(', ')}`,
    );
  }
  const keys = await services.imageKeys(input.repository);
  for (const disk of wanted) {
    const verdict = await verdictOn(services.state, root, point, disk.number, {
      key: keys.of(disk),
      index: input.verify ?? true,
    });
    if (verdict.verdict === 'broken')
      throw new SendenseError(
        'chain.damaged',
        `restore point ${point.backup_id}, ${diskName(disk.number)}: ${verdict.reason}`,
        verdict.reason.startsWith('block index ')
          ? {
              remedy:
                'Name another restore point, or restore this one without comparing it (--no-verify, `verify: false`).',
            }
          : {},
      );
  }
  const output = {
    backup_id: point.backup_id,
    created: point.created,
    why,
    disks: wanted.map((disk) => ({
      disk: diskName(disk.number),
      number: disk.number,
      capacity_bytes: disk.capacity_bytes,
      file: join(root, point.vm.context, disk.path),
      index: join(root, point.vm.context, disk.index.path),
      digest: disk.digest,
      encryption: disk.encryption ?? null,
    })),
  };
  return { output, remark };
}

/** Where the files are not as the database says, another hub may have merged them: then it is asked again. */
async function verdictOn(
  state: State,
  root: string,
  { repository, vm, backup_id: backupId }: RestorePoint,
  number: number,
  how: VerifyChainOptions,
): Promise<ChainVerdict> {
  for (let followed = false; ; followed = true) {
    const point = findPoint(state, { repository, context: vm.context, backupId });
    const chain = point ? storedChain(state, point, number) : `${backupId} is gone`;
    const verdict: ChainVerdict =
      typeof chain === 'string' ? { verdict: 'broken', reason: chain } : await verifyChain(root, chain, how);
    if (verdict.verdict === 'sound' || followed || typeof chain === 'string') return verdict;
    const keys = chain.map((disk) => ({ repository, context: vm.context, backupId: disk.backupId }));
    if (!(await followMerges(state, root, keys))) return verdict;
  }
}

/** The restore point that is meant, and what speaks against it. */
interface Found {
  readonly point: RestorePoint;
  readonly remark: string | null;
  /** Why it is this one. */
  readonly why: string;
}

/**
 * `latest` and times mean the newest one that no verification found broken, nor what it is built on; one that is named by its id is
 * taken whatever was found.
 */
function find({ state }: Services, { repository, vm, point: wanted = 'latest', disks }: PointSelectInput): Found {
  const { name: context, identity = null } = vm as unknown as VmReference & { readonly identity?: string };
  const all = points(state, { repository, context });
  const marks = marksOf(state, { repository, context });
  const against = (point: RestorePoint): string | null => {
    const unsound = brokenBelow(point, all, marks, disks ?? undefined);
    return unsound && `${unsound.backupId} is broken: ${unsound.reason}`;
  };
  const choice = wanted as PointChoice;
  const named = typeof choice === 'string' && choice !== 'latest';
  // Of several VMs that have restore points under the name, "the newest" is of the one that is meant.
  const own = named ? null : assertOneVm({ repository, context }, identified(all, marks), identity);
  const { fitting, why, next } = choosePoint(
    all.filter(({ backup_id: id }) => own?.has(id) ?? true),
    choice,
    Date.now(),
  );
  const newest = fitting.at(-1);
  if (!newest) throw noSuchPoint({ vm: context, where: `in repository ${repository}`, choice }, all, next);
  const fault = against(newest);
  if (named) {
    const remark = fault && `restore point ${newest.backup_id} is taken because it was named, but ${fault}`;
    return { point: newest, remark, why };
  }
  const point = fitting.findLast((entry) => against(entry) === null);
  if (point)
    return {
      point,
      remark: fault && `restore point ${newest.backup_id} was passed over, for ${fault}; this is ${point.backup_id}`,
      why: next && point === newest ? `${why}; ${next.backup_id} was made after that` : why,
    };
  throw new SendenseError('chain.damaged', `VM ${context} has no sound restore point: ${fault}`, {
    remedy:
      'Name one by its id (--point ID) to restore it all the same; what is wrong with each one says `sendense-run list`.',
  });
}

const identified = (all: readonly RestorePoint[], marks: ReturnType<typeof marksOf>) =>
  all.map(({ backup_id: backupId, vm }) => ({
    backupId,
    identity: identityOf(vm, marks.get(marksKey(vm.context, backupId))),
  }));
