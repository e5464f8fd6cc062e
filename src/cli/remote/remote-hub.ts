import { atMost } from './at-most.ts';
import type { Hub, ListLine, PointFilter } from '../../hub/hub.ts';
import { attachedBy } from '../../hub/attached/attach-place.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  AttachedOutput,
  DetachOutput,
  HistoryOutput,
  HubBackup,
  HubBackups,
  HubChain,
  HubRuns,
  HubStatus,
  ProtectOutput,
  RestorePointOutput,
  ShowOutput,
  ShowRunOutput,
} from '../../schemas/types.ts';
import type { Boots } from '../../hub/boots/manage-boots.ts';
import { followLog } from './follow-log.ts';
import type { HubConnection } from './hub-connection.ts';
import { careOf } from './remote-care.ts';
import { chooseAt } from './remote-choose.ts';
import { remoteBoots } from './remote-boots.ts';
import { firstOf, pagesOf } from './pages-of.ts';

/** Entries of a page of restore points, as many as a hub gives. */
const pointsOfPage = 100;
const runsOfPage = 200;
const daysAtOnce = 10_000;

/**
 * A hub on another machine, for the commands that `ways.ts` lists with `hub`: they do the same here as at the hub. Whatever else is asked
 * of it throws `remote.at-hub`.
 */
export function remoteHub(hub: HubConnection): Hub {
  const parts = {
    ...pointsOf(hub),
    ...recordsOf(hub),
    ...careOf(hub),
    retention: retentionOf(hub),
    settingsFile: '',
    boots: async () => remoteBoots(hub) as Boots,
    attached: attachedOf(hub),
    [Symbol.asyncDispose]: async () => {},
  };
  return new Proxy(parts, {
    // `then` is asked by `await`.
    get: (own, name) =>
      name in own || name === 'then' || typeof name === 'symbol' ? Reflect.get(own, name) : refuse(name),
  }) as unknown as Hub;
}

const refuse = (what: string): never => {
  throw new SendenseError('remote.at-hub', `what this command asks of the hub cannot be asked over HTTP: ${what}`);
};

type PointCalls = Pick<Hub, 'settings' | 'unlisted' | 'leftOut' | 'lines' | 'list' | 'show' | 'choose'>;

function pointsOf(hub: HubConnection): Partial<PointCalls> {
  const points = async ({ vm, repository }: PointFilter): Promise<RestorePointOutput[]> => {
    const pages = pagesOf<HubBackups>(hub, '/api/v1/backups', { vm_name: vm, repository, limit: pointsOfPage });
    const { entries } = await firstOf(pages, ({ backups }) => backups);
    return entries.toReversed();
  };
  return {
    // What a hub knows of repositories that its settings do not name, it does not tell over HTTP.
    settings: { repositories: {} } as unknown as Hub['settings'],
    unlisted: () => [],
    leftOut: () => [],
    lines: async (filter) => (await points(filter)).map(lineOf),
    list: async (filter) => ({ version: 1, points: await points(filter) }),
    choose: (filter) => chooseAt(hub, filter),
    async show({ vm, repository, point }): Promise<ShowOutput> {
      const one = point === undefined ? undefined : await pointAt(hub, point, repository);
      const name = one?.vm ?? vm ?? '';
      const named = one?.repository ?? repository;
      const chain = `/api/v1/backups/chain/${encodeURIComponent(name)}`;
      // The newest page comes first, and each begins with its oldest point.
      const pages: RestorePointOutput[][] = [];
      for await (const page of pagesOf<HubChain>(hub, chain, { repository: named, limit: pointsOfPage }))
        pages.unshift(page.points);
      const all = pages.flat();
      return {
        version: 1,
        vm: name,
        repository: all[0]?.repository ?? named ?? '',
        selected: one?.backup_id ?? null,
        points: all,
      };
    },
  };
}

const pointAt = async (hub: HubConnection, id: string, repository: string | undefined): Promise<RestorePointOutput> =>
  (await hub.ask<HubBackup>(`/api/v1/backups/${encodeURIComponent(id)}`, { query: { repository } })).backup;

const lineOf = (point: RestorePointOutput): ListLine => ({
  repository: point.repository,
  vm: point.vm,
  backup_id: point.backup_id,
  kind: point.kind,
  created: point.created,
  kept: point.kept ?? null,
  file_bytes: point.file_bytes,
  chain_length: point.chain_length,
  disks: point.disks,
  identity: point.identity,
  protected: point.protected,
  broken: point.broken,
  verifications: point.verifications,
});

type RecordCalls = Pick<Hub, 'status' | 'history' | 'showRun' | 'runLog' | 'metrics'>;

const recordsOf = (hub: HubConnection): RecordCalls => ({
  status: async ({ vm } = {}) => (await hub.ask<HubStatus>('/api/v1/status', { query: { vm } })).status,

  async history({ plan, vm, status, since, limit, daily = false }) {
    if (daily) {
      const days = { plan, since, limit: atMost(daysAtOnce, '--limit', limit) };
      return await hub.ask<HistoryOutput>('/api/v1/days', { query: days });
    }
    const query = { plan, vm, status: status?.join(','), since, limit: Math.min(limit, runsOfPage) };
    const { entries, more } = await firstOf(pagesOf<HubRuns>(hub, '/api/v1/runs', query), ({ runs }) => runs, limit);
    return { version: 1, runs: entries, more, days: null };
  },

  showRun: async (id) =>
    await hub.ask<ShowRunOutput>(`/api/v1/runs/${encodeURIComponent(id)}`).catch((error: unknown) => {
      if (error instanceof SendenseError && ['run.unknown', 'request.invalid'].includes(error.code)) return undefined;
      throw error;
    }),

  async runLog(id) {
    const newest = id ?? (await hub.ask<HubRuns>('/api/v1/runs', { query: { limit: 1 } })).runs[0]?.run_id;
    if (newest === undefined) throw new SendenseError('run.unknown', 'nothing has run yet');
    return { runId: newest, file: '', alive: () => false, events: (options) => followLog(hub, newest, options) };
  },

  metrics: () => hub.text('/metrics'),
});

/** Who does it is the token's name, which the hub knows. */
function retentionOf(hub: HubConnection): Hub['retention'] {
  const at = (point: string): string => `/api/v1/backups/${encodeURIComponent(point)}/protection`;
  return {
    protect: async ({ point, repository, until, reason }) =>
      await hub.ask<ProtectOutput>(at(point), { method: 'PUT', query: { repository }, body: { until, reason } }),
    forgetBoot: async ({ point, repository, boot }) =>
      await hub.ask<ProtectOutput>(`/api/v1/backups/${encodeURIComponent(point)}/forget-boot`, {
        method: 'POST',
        query: { repository },
        body: { boot },
      }),
    unprotect: async ({ point, repository }) =>
      await hub.ask<ProtectOutput>(at(point), { method: 'DELETE', query: { repository } }),
  } as Hub['retention'];
}

/** A stored credential is named in the settings of the hub alone. */
const attachedOf = (hub: HubConnection): Hub['attached'] =>
  attachedBy({
    vsphere: {
      list: async ({ place: { source, node }, vm }) =>
        await hub.ask<AttachedOutput>(`/api/v1/sources/${encodeURIComponent(source)}/attached`, {
          query: { vm, node },
        }),
      async detach({ place: { source, node }, disks, forget }) {
        const body = { ...whichOf(disks), forget, node };
        return await hub.ask<DetachOutput>(`/api/v1/sources/${encodeURIComponent(source)}/detach`, {
          method: 'POST',
          body,
        });
      },
    },
    kvm: {
      list: async ({ place: { libvirt }, vm }) =>
        await hub.ask<AttachedOutput>('/api/v1/kvm/attached', { query: { vm, libvirt } }),
      detach: async ({ place: { libvirt }, disks, forget }) =>
        await hub.ask<DetachOutput>('/api/v1/kvm/detach', {
          method: 'POST',
          body: { ...whichOf(disks), forget, libvirt },
        }),
    },
  });

const whichOf = (disks: readonly { readonly id: string; readonly moref: string }[]) => ({
  vm: disks[0]?.moref,
  disks: disks.map(({ id }) => id),
});
