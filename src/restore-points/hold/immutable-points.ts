import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { whyNotImmutable } from '../../repository/stored-files/immutable.ts';
import { settleImmutable } from '../../repository/stored-files/settle-immutable.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import type { Settings } from '../../schemas/types.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { clockDoubt } from '../../state/schedules/clock-looks.ts';
import { pointTimes } from '../../state/points/point-times.ts';
import { points } from '../../state/points/restore-points.ts';
import type { RepositoryAccess } from '../repository-access.ts';

type RepositorySettings = Settings['repositories'][string];

/** Whether a repository keeps its committed files immutable, and whether a backup without that is refused. */
export function immutabilityOf(settings: RepositorySettings | undefined): 'off' | 'try' | 'require' {
  const { immutable = false } = settings ?? {};
  return immutable === true ? 'require' : immutable === false ? 'off' : immutable;
}

/**
 * Before a backup: can files be made immutable where that is wanted? With `try` a warning.
 * @throws SendenseError `repository.immutable`
 */
export async function assertImmutability(
  { services, signal, warn }: StepContext<RepositoryAccess>,
  repository: string,
  root: string,
): Promise<void> {
  const wanted = immutabilityOf(services.settings.repositories[repository]);
  if (wanted === 'off') return;
  const why = await whyNotImmutable(root, signal);
  if (why === null) return;
  const message = `files of repository ${repository} cannot be made immutable: ${why}`;
  if (wanted === 'require') throw new SendenseError('repository.immutable', message);
  warn(message);
}

/** After a commit: all files of the VM as the settings want them. What cannot be done is a warning; the restore point is there. */
export async function settleImmutablePoints(
  { services, signal, warn }: Pick<StepContext<RepositoryAccess>, 'services' | 'signal' | 'warn'>,
  repository: string,
  context: string,
): Promise<void> {
  const settings = services.settings.repositories[repository];
  if (immutabilityOf(settings) === 'off') return;
  try {
    const now = Date.now();
    const all = points(services.state, { repository, context });
    const times = pointTimes(all, now);
    const dated = all.map((point, at) => ({ ...point, created: times[at] ?? now }));
    await settleImmutable(services.repositoryPath(repository), dated, {
      // Nothing is set free by a clock that has just been set far ahead.
      forMs:
        settings?.immutableFor === undefined || clockDoubt(services.state, lookAtClock()) !== null
          ? Infinity
          : ageMs(settings.immutableFor),
      now,
      signal,
    });
  } catch (error) {
    if (signal.aborted) return;
    warn(`files of ${context} are not immutable: ${(error as Error).message}`);
  }
}
