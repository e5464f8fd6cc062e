import type { SendenseError } from '../../src/errors/sendense-error.ts';
import type { Hub } from '../../src/hub/hub.ts';
import type { RunRequest } from '../../src/hub/runs/run-request.ts';
import { loadSettingsText } from '../../src/plan/load-settings.ts';
import type {
  CredentialsOutput,
  NodesOutput,
  RestorePointOutput,
  RunEvent,
  RunFinishedEvent,
  Settings,
} from '../../src/schemas/types.ts';

export const point = (id: string, parent: string | null, created: number, vm = 'pgtest1'): RestorePointOutput => ({
  backup_id: id,
  vm,
  repository: 'primary',
  kind: parent === null ? 'full' : 'incremental',
  parent,
  created,
  file_bytes: 1024 ** 2,
  capacity_bytes: 1024 ** 3,
  chain_length: parent === null ? 1 : 2,
  disks: [
    {
      disk: 'disk-0',
      mode: parent === null ? 'full' : 'incremental',
      reason: parent === null ? 'first backup of this VM in this repository' : `compared by digest with ${parent}`,
      capacity_bytes: 1024 ** 3,
      file_bytes: 1024 ** 2,
      bytes_transferred: 1024,
      change_id: `change-${id}`,
      parent,
      path: `/srv/repository/${vm}/disk-0/${id}.qcow2`,
      digest: `sha256:${'0'.repeat(64)}`,
    },
  ],
  kept: null,
  protected: null,
  broken: null,
  warnings: [],
});

const noNodes: NodesOutput = { version: 1, nodes: [] };
const noCredentials: CredentialsOutput = { version: 1, key: null, credentials: [] };

export interface FakeHub {
  readonly hub: Hub;
  readonly requests: RunRequest[];
  readonly checked: unknown[];
  closed: number;
}

/** With the defaults of all that is not named. */
function settingsWith(repositories: Settings['repositories']): Settings {
  const { settings } = loadSettingsText({ file: '/srv/sendense.yaml', text: JSON.stringify({ repositories }) });
  if (!settings) throw new Error('these settings are wrong');
  return settings;
}

/** What it does not have says so when it is called. */
const onlyThese = (calls: Partial<Hub> & AsyncDisposable): Hub =>
  new Proxy(calls as Hub, {
    get: (hub, name, self) =>
      Reflect.has(hub, name) || typeof name === 'symbol' || name === 'then'
        ? (Reflect.get(hub, name, self) as unknown)
        : () => Promise.reject(new Error(`a fake hub has no ${name}`)),
  });

/** A hub with restore points but nothing behind it; `events` is what a run gives. */
export function fakeHub(
  options: {
    points?: RestorePointOutput[];
    events?: readonly RunEvent[];
    repositories?: string[];
    fails?: SendenseError;
  } = {},
): FakeHub {
  const points = options.points ?? [];
  const repositories = Object.fromEntries(
    (options.repositories ?? ['primary']).map((name) => [name, { path: `/srv/${name}`, minFree: 0 }]),
  );
  const matching = (vm?: string): RestorePointOutput[] => points.filter((each) => vm === undefined || each.vm === vm);
  const fake: FakeHub = {
    requests: [],
    checked: [],
    closed: 0,
    hub: onlyThese({
      settings: settingsWith(repositories),
      settingsFile: '/srv/sendense.yaml',
      async run(request) {
        fake.requests.push(request);
        if (options.fails) throw options.fails;
        for (const event of options.events ?? []) request.emit?.(event);
        return options.events?.at(-1) as RunFinishedEvent;
      },
      async preview(request) {
        fake.requests.push(request);
        return {
          version: 1,
          plan: 'nightly',
          kind: 'backup',
          vm: 'pgtest1',
          steps: [],
          disks: [],
          estimated_bytes: null,
        };
      },
      unlisted: () => [],
      lines: async ({ vm }) => matching(vm),
      leftOut: () => [],
      choose: async ({ vm, choice }) => ({
        backup_id: typeof choice === 'string' && choice !== 'latest' ? choice : (matching(vm).at(-1)?.backup_id ?? ''),
        why: 'the latest',
      }),
      schedules: {
        list: () => ({ version: 1, schedules: [], duplicates: [] }),
        next: async () => ({ version: 1, slots: [] }),
        history: () => ({ version: 1, slots: [] }),
        pause: () => ({ version: 1, schedules: [], duplicates: [] }),
        resume: () => ({ version: 1, schedules: [], duplicates: [] }),
        runNow: () => Promise.reject(new Error('a fake hub runs no schedules')),
        runDue: async () => undefined,
        runSlot: () => Promise.reject(new Error('a fake hub runs no schedules')),
        backfill: async () => ({ version: 1, slots: [] }),
        find: () => Promise.reject(new Error('a fake hub has no schedules')),
      },
      history: async () => ({ version: 1, runs: [], more: false, days: null }),
      activity: () => ({ runs: new Map(), leases: 0 }),
      figures: async () => [],
      metrics: async () => '',
      writeMetrics: async () => {},
      list: async ({ vm }) => ({ version: 1, points: matching(vm) }),
      show: async ({ vm, point: id }) => {
        const name = vm ?? points.find((each) => each.backup_id === id)?.vm ?? '';
        return { version: 1, vm: name, repository: 'primary', selected: id ?? null, points: matching(name) };
      },
      async check(request) {
        fake.checked.push(request);
        return {
          version: 1,
          ok: true,
          repository: 'primary',
          points_checked: points.length,
          bytes_read: 0,
          findings: [],
        };
      },
      showRun: async () => undefined,
      status: async () => ({
        version: 1,
        runs: [],
        leases: [],
        locks: [],
        plans: [],
        repositories: [],
        channels: [],
        in_future: [],
      }),
      recover: async () => ({ version: 1, runs: [] }),
      notices: {
        list: () => ({ version: 1, channels: [] }),
        test: async () => ({ version: 1, ok: true, channels: [] }),
        flush: async () => ({ version: 1, sent: 0, failed: 0, waiting: 0 }),
        history: () => ({ version: 1, notices: [] }),
      },
      care: {
        repositories: async () => ({ version: 1, repositories: [] }),
        gc: async ({ dryRun }) => ({ version: 1, dry_run: dryRun, repositories: [] }),
        copy: () => Promise.reject(new Error('a fake hub copies nothing')),
        repair: async (repository) => ({
          version: 1,
          repository,
          path: `/srv/${repository}`,
          id: 'an-id',
          made: true,
          put_aside: null,
        }),
        receive: () => Promise.reject(new Error('a fake hub receives nothing')),
      },
      retention: {
        preview: async () => ({
          version: 1,
          repository: 'primary',
          retention: { last: 1 },
          timezone: 'UTC',
          now: 0,
          vms: [],
          unmatched: [],
          freed: { at_least: 0, at_most: 0 },
        }),
        protect: async ({ point: id }) => ({
          version: 1,
          backup_id: id,
          vm: 'pgtest1',
          repository: 'primary',
          protected: null,
        }),
        unprotect: async ({ point: id }) => ({
          version: 1,
          backup_id: id,
          vm: 'pgtest1',
          repository: 'primary',
          protected: null,
        }),
        forgetBoot: async ({ point: id }) => ({
          version: 1,
          backup_id: id,
          vm: 'pgtest1',
          repository: 'primary',
          protected: null,
        }),
      },
      nodes: {
        list: () => noNodes,
        show: () => noNodes,
        add: async ({ name }) => ({
          version: 1,
          name,
          token: 'sendense1.x',
          expires: 1,
          reverse_port: 9081,
          host_key: 'SHA256:x',
          ssh_port: 2222,
        }),
        rename: () => noNodes,
        revoke: async () => noNodes,
        remove: async () => noNodes,
        sshdConfig: async () => ({
          version: 1,
          config: '',
          authorized_keys: { path: '', lines: [] },
          checked: false,
          differences: [],
        }),
        accept: async () => 0,
        link: async () => 0,
      },
      credentials: {
        list: () => noCredentials,
        checkName: () => undefined,
        add: () => noCredentials,
        changePassword: () => noCredentials,
        rotateKey: () => noCredentials,
        remove: () => noCredentials,
        test: () => Promise.reject(new Error('a fake hub has no node')),
      },
      importRepository: async (name) => ({
        version: 1,
        repository: name,
        imported: [],
        present: 0,
        refused: [],
        forgotten: [],
      }),
      [Symbol.asyncDispose]: async () => void fake.closed++,
    }),
  };
  return fake;
}
