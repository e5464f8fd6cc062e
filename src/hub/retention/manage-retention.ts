import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import { manifestPath } from '../../repository/layout.ts';
import type { MarksChange } from '../../repository/marks.ts';
import { currentUses, judgeUses, usedByOf } from '../../state/points/used-marks.ts';
import type { PointsPruneInput, PointUse, ProtectOutput, PruneOutput } from '../../schemas/types.ts';
import { points } from '../../state/points/restore-points.ts';
import { changeMarks } from '../../restore-points/hold/change-marks.ts';
import { previewPrune } from '../../restore-points/prune/preview.ts';
import type { Services } from '../../steps/services.ts';
import { shellWord } from '../../view/text.ts';
import { loadPipeline } from '../runs/load-pipeline.ts';

export interface PruneRequest {
  readonly file: string;
  /** The plan's text, instead of what is in `file`. */
  readonly text?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MarkedPoint {
  /** A backup id. */
  readonly point: string;
  /** Where several repositories have it. */
  readonly repository?: string | undefined;
}

export interface ProtectRequest extends MarkedPoint {
  /** Milliseconds since the epoch; null: for ever. */
  readonly until: number | null;
  readonly reason: string;
  /** Who wants it. */
  readonly by: string;
}

/** What stays and what goes, and what is to stay whatever a policy says. */
export interface RetentionCalls {
  /** What a plan of kind prune would remove now. @throws SendenseError `plan.invalid`, `repository.unusable` */
  preview(request: PruneRequest): Promise<PruneOutput>;
  /** @throws SendenseError `point.unknown`, `usage` where it is in several repositories */
  protect(request: ProtectRequest): Promise<ProtectOutput>;
  /** Also fine for a point that is not protected. @throws as `protect` */
  unprotect(request: MarkedPoint): Promise<ProtectOutput>;
  /**
   * No VM of another hub runs from the restore point any more: somebody knows that the hub, or what the guest wrote, is gone for good.
   * @throws as `protect`; `boot.unknown` where its marks name no such VM, `usage` for one of this hub
   */
  forgetBoot(request: MarkedPoint & { readonly boot: string }): Promise<ProtectOutput>;
}

export function manageRetention(services: Services, settings: LoadedSettings): RetentionCalls {
  const mark = async ({ point: id, repository }: MarkedPoint, change: MarksChange): Promise<ProtectOutput> => {
    const point = onlyPoint(services, id, repository);
    const root = await services.existingRepository(point.repository);
    const manifest = join(root, manifestPath(point.vm.context, id));
    const key = { repository: point.repository, context: point.vm.context, backupId: id };
    // A prune may have been faster, and from then on it waits.
    const marks = await changeMarks(services.state, root, key, change, () => {
      if (!existsSync(manifest))
        throw new SendenseError('point.unknown', `restore point ${id} is known, but its manifest ${manifest} is gone`);
    });
    return {
      version: 1,
      backup_id: id,
      vm: point.vm.name,
      repository: point.repository,
      protected: marks.protected,
      ...usedByOf(currentUses(services.state)(marks)),
    };
  };
  return {
    async preview({ file, text, signal }) {
      const { plan, kind } = loadPipeline({ file, text }, settings);
      if (kind !== 'prune') throw new SendenseError('usage', `${file} is a plan of kind ${kind}, not prune`);
      const {
        repository,
        vms,
        identity = null,
        retention = null,
        remove = null,
        schedule,
      } = plan as unknown as PointsPruneInput & {
        schedule?: { timezone?: string };
      };
      const timezone = schedule?.timezone ?? null;
      const input = { repository, identity, retention, remove, timezone, ...(vms ? { vms } : {}) };
      return previewPrune(services, input, { signal });
    },
    protect: ({ until, reason, by, ...point }) => mark(point, { protected: { since: Date.now(), until, reason, by } }),
    unprotect: (point) => mark(point, { protected: null }),
    forgetBoot: ({ boot, ...point }) =>
      mark(point, {
        used: (uses) => {
          assertForgettable(services, uses, boot, point.point);
          return uses.filter((use) => use.boot !== boot);
        },
      }),
  };
}

/** @throws SendenseError `boot.unknown`, `usage` */
function assertForgettable({ state }: Services, uses: readonly PointUse[], boot: string, point: string): void {
  const named = judgeUses(state)([...uses]).filter((use) => use.boot === boot);
  if (named.length === 0)
    throw new SendenseError('boot.unknown', `no VM ${boot} runs from restore point ${point}`, {
      remedy: `\`sendense-run show ${shellWord(point)}\` names those that do.`,
    });
  if (named.some(({ standing }) => standing === 'here'))
    throw new SendenseError('usage', `${boot} is a VM of this hub, which knows whether it needs the restore point`, {
      remedy: `End it: \`sendense-run boot stop ${shellWord(boot)} --yes\`.`,
    });
}

function onlyPoint(
  { state, settings }: Services,
  id: string,
  repository: string | undefined,
): ReturnType<typeof points>[number] {
  const all = points(state, { backupId: id, ...(repository === undefined ? {} : { repository }) });
  const named = all.filter((one) => Object.hasOwn(settings.repositories, one.repository));
  // Of one whose repository the settings do not name, that is what is said.
  const found = named.length > 0 ? named : all;
  const [point, other] = found;
  if (!point) {
    const where = repository === undefined ? '' : ` in repository ${repository}`;
    throw new SendenseError('point.unknown', `there is no restore point ${id}${where}`);
  }
  if (other) {
    const names = found.map((one) => one.repository).join(', ');
    throw new SendenseError('usage', `restore point ${id} is in several repositories: ${names}`, {
      remedy: `Name one of them: --repository ${point.repository}.`,
    });
  }
  return point;
}
