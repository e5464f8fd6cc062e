import { SendenseError } from '../../errors/sendense-error.ts';
import { spaceOf } from '../../host/files/files.ts';
import { whyNotImmutable } from '../../repository/stored-files/immutable.ts';
import { allocatedIn } from '../../repository/stored-files/allocated.ts';
import { daysUntilFull, growthPerDay } from '../../repository/stored-files/growth.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { RepositoriesOutput } from '../../schemas/types.ts';
import { points, type RestorePoint } from '../../state/points/restore-points.ts';
import { immutabilityOf } from '../../restore-points/hold/immutable-points.ts';
import type { Services } from '../../steps/services.ts';
import { capacityLimits } from '../../repository/stored-files/capacity.ts';

export interface RepositoriesRequest {
  /** Default: all. */
  readonly repository?: string | undefined;
  /** Also tries whether files can be made immutable, which makes a file and removes it. */
  readonly probe: boolean;
  readonly signal?: AbortSignal | undefined;
}

type Report = RepositoriesOutput['repositories'][number];

/** Repositories, what they hold and how full they are. @throws SendenseError `repository.unusable` for a name that is none */
export async function describeRepositories(
  services: Services,
  { repository, probe, signal }: RepositoriesRequest,
): Promise<RepositoriesOutput> {
  const names = repository === undefined ? Object.keys(services.settings.repositories) : [repository];
  const repositories: Report[] = [];
  for (const name of names) repositories.push(await describe(services, name, probe, signal));
  return { version: 1, repositories };
}

async function describe(services: Services, name: string, probe: boolean, signal?: AbortSignal): Promise<Report> {
  const root = services.repositoryPath(name);
  const settings = services.settings.repositories[name];
  const limits = capacityLimits(settings);
  const own = points(services.state, { repository: name });
  const wanted = immutabilityOf(settings);
  const facts = {
    repository: name,
    path: root,
    min_free: limits.minFree,
    quota: limits.quota,
    vm_quota: limits.vmQuota,
    points: own.length,
  };
  const nothing = {
    id: null,
    free: null,
    total: null,
    used: null,
    trash: null,
    growth_per_day: null,
    full_in_days: null,
  };
  try {
    const found = await findRepository(name, root);
    if (!found) {
      const error = own.length > 0 ? 'there is nothing, but restore points of it are known' : null;
      return {
        ...facts,
        ...nothing,
        state: error === null ? 'new' : 'unusable',
        error,
        immutable: aboutImmutable(wanted, null),
        vms: [],
      };
    }
    const [{ free, total }, used] = await Promise.all([spaceOf(root), allocatedIn(root, signal)]);
    const now = Date.now();
    const growth = growthPerDay(growthPoints(own), now);
    const room = Math.min(free - limits.minFree, limits.quota === null ? Infinity : limits.quota - used.total);
    const why = probe && wanted !== 'off' ? await whyNotImmutable(root, signal) : null;
    const contexts = new Set([...used.contexts.keys(), ...own.map(({ vm }) => vm.context)]);
    return {
      ...facts,
      state: 'ready',
      error: null,
      id: found.id,
      free,
      total,
      used: used.total,
      trash: used.trash,
      growth_per_day: rounded(growth),
      full_in_days: rounded(daysUntilFull(room, growth)),
      immutable: aboutImmutable(wanted, why),
      vms: [...contexts].toSorted().map((context) => describeVm(context, own, used.contexts.get(context) ?? 0, now)),
    };
  } catch (error) {
    if (!(error instanceof SendenseError)) throw error;
    return {
      ...facts,
      ...nothing,
      state: 'unusable',
      error: error.message,
      immutable: aboutImmutable(wanted, null),
      vms: [],
    };
  }
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value));

const aboutImmutable = (wanted: Report['immutable']['wanted'], why: string | null): Report['immutable'] => ({
  wanted,
  problem: why,
});

function describeVm(
  context: string,
  all: readonly RestorePoint[],
  allocated: number,
  now: number,
): Report['vms'][number] {
  const own = all.filter(({ vm }) => vm.context === context);
  const latest = own.at(-1);
  return {
    vm: latest?.vm.name ?? context,
    context,
    points: own.length,
    allocated_bytes: allocated,
    logical_bytes: own.reduce((sum, point) => sum + capacityOf(point), 0),
    capacity_bytes: latest ? capacityOf(latest) : 0,
    growth_per_day: rounded(growthPerDay(growthPoints(own), now)),
    oldest: own[0]?.created ?? null,
    newest: latest?.created ?? null,
  };
}

const capacityOf = (point: RestorePoint): number => point.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0);

/** @param all oldest first */
function growthPoints(all: readonly RestorePoint[]): { created: number; bytes: number; first: boolean }[] {
  const seen = new Set<string>();
  return all.map((point) => {
    const first = !seen.has(point.vm.context);
    seen.add(point.vm.context);
    const bytes = point.disks.reduce((sum, disk) => sum + disk.file_bytes + disk.index.bytes, 0);
    return { created: point.created, bytes, first };
  });
}
