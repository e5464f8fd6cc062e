/** A hub that every screen of the page has something to show of: several VMs with long names, users, credentials, files, plans. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  BootsOutput,
  CredentialsOutput,
  HubOnePlan,
  HubPlan,
  HubPlanFiles,
  HubPlans,
  SessionsOutput,
  TokensOutput,
  UsersOutput,
} from '../../src/schemas/types.ts';
import { filesWorld } from './files-world.ts';
import { lookingWorld } from './looking-worlds.ts';
import type { World } from './stand-in.ts';
import { namesOf } from './worlds.ts';

const hour = 3_600_000;
const day = 24 * hour;
const GiB = 2 ** 30;

/** As long as people make them. */
const longNames = [
  'erp-production-database-primary-fra1-az2.corp.example.com',
  'mail-archive',
  'Windows Server 2019 (Domain Controller, do not touch)',
  'customer-portal-web-frontend-blue-green-canary-07',
];
const [vm = ''] = longNames;
const plan = 'everything';

export interface Place {
  readonly address: string;
  /** What it shows once the hub has answered. */
  readonly shows: string;
}

/** By the paths of `src/web/shell/screens.ts`: what is shown there; the address too, where the path has a parameter. */
const places: Readonly<Record<string, { readonly address?: string; readonly shows: string }>> = {
  '/': { shows: 'Needs you (3)' },
  '/vms': { shows: vm },
  '/runs': { shows: `backup of ${vm}` },
  '/runs/{run}': { address: '/runs/r-1', shows: 'Copy the disks' },
  '/vms/{vm}': { address: `/vms/${vm}`, shows: 'digests FAILED' },
  '/files': { shows: 'Open now (1)' },
  '/files/{vm}': { address: `/files/${vm}?volume=disk-0p2&path=`, shows: 'picture.png' },
  '/plans': { shows: 'weekly-prune' },
  '/plans/{plan}': { address: `/plans/${plan}`, shows: 'Its VMs (24)' },
  '/vms/{vm}/restore': { address: `/vms/${vm}/restore`, shows: 'A new VM in vSphere' },
  '/boots': { shows: 'mail-archive' },
  '/plan-files': { shows: 'Problems' },
  '/plan-files/{file}': { address: '/plan-files/nightly.yaml', shows: 'retention' },
  '/discovery': { shows: 'No plan backs up 3 of its 12 VMs.' },
  '/credentials': { shows: 'svc-backup@vsphere.local' },
  '/users': { shows: 'prometheus' },
  '/account': { shows: '2001:db8' },
  '/schedule': { shows: 'In each other’s way (2)' },
  '/repositories': { shows: 'third' },
  '/repositories/{repository}': {
    address: '/repositories/primary?prune=weekly-prune',
    shows: 'It would remove 42 of 342',
  },
  '/nodes': { shows: 'site-d' },
  '/nodes/{node}': { address: '/nodes/site-c', shows: 'Another machine has its key' },
  '/notices': { shows: 'mail.example.com' },
  '/audit': { shows: 'Protect backup' },
};

/** Of every screen that the source lists. Fails at a screen that `places` does not know. */
export function everyPlace(): Place[] {
  const source = readFileSync(join(import.meta.dirname, '../../src/web/shell/screens.ts'), 'utf8');
  const paths = [...source.matchAll(/^ +path: '([^']+)',$/gm)].map(([, path = '']) => path);
  return paths.map((path) => {
    const { address = path, shows } = places[path] ?? {};
    if (shows === undefined || address.includes('{'))
      throw new Error(`whole-world.ts does not know the screen ${path}`);
    return { address, shows };
  });
}

/** @param options now: the time, ms */
export function wholeWorld({ now }: { readonly now: number }): World {
  const options = { now, vms: 24, names: longNames };
  return {
    ...filesWorld({ now }),
    ...lookingWorld(options),
    'GET /api/v1/plans': () => plansOf(now, namesOf(options)),
    'GET /api/v1/plan-files': () => planFilesOf(now, namesOf(options)),
    'GET /api/v1/plan-files/*': () => ({ version: 1, file: 'nightly.yaml', etag: '"1"', text: planText }),
    'GET /api/v1/plans/everything/text': () => ({ version: 1, plan, text: planText, file: 'everything.yaml' }),
    'POST /api/v1/plans/validate': () => ({ version: 1, valid: true, files: [], diagnostics: [] }),
    'GET /api/v1/plan-schema': () => ({}),
    'GET /api/v1/users': () => usersOf(now),
    'GET /api/v1/tokens': () => tokensOf(now),
    'GET /api/v1/sessions': () => sessionsOf(now),
    'GET /api/v1/account/sessions': () => sessionsOf(now),
    'GET /api/v1/credentials': () => credentialsOf(now),
    'GET /api/v1/boots': () => bootsOf(now),
  };
}

const planText = `# The database, and what is read from it by the portal: one line of a comment that is longer than a phone is wide.
version: 1
kind: backup
name: ${vm}-nightly
vm: ${vm}
source: { type: vsphere, connection: vcenter.frankfurt.corp.example.com, path: "/Frankfurt/vm/Production/${vm}" }
repository: primary
schedule: { cron: "30 1 * * *", timezone: Europe/Berlin }
retention: { daily: 14, weekly: 8, monthly: 12 }
`;

function planOf(now: number, name: string, index: number): HubPlan {
  const file = `/etc/sendense/plans/${name}.yaml`;
  const schedule: NonNullable<HubPlan['schedule']> = {
    plan: `${name}-nightly`,
    kind: 'backup',
    vm: name,
    file,
    cron: '30 1 * * *',
    timezone: 'Europe/Berlin',
    enabled: true,
    next: now + 9 * hour,
    begins: now + 9 * hour,
    paused: index === 2 ? { since: now - day, reason: 'the storage moves to the other building' } : null,
    failures: index === 1 ? 3 : 0,
    error: null,
    last: null,
  };
  const valid = index !== 4;
  return {
    plan: `${name}-nightly`,
    kind: 'backup',
    right: 'operate',
    vm: name,
    file,
    valid,
    health: null,
    schedule: valid ? schedule : null,
  };
}

const plansOf = (now: number, names: readonly string[]): HubPlans => ({
  version: 1,
  plans: [
    ...names.map((name, index) => planOf(now, name, index)),
    {
      ...planOf(now, 'weekly-prune', 0),
      plan: 'weekly-prune',
      kind: 'prune',
      right: 'keep',
      vm: '*',
    } satisfies HubOnePlan['plan'],
  ],
  next_cursor: null,
});

const planFilesOf = (now: number, names: readonly string[]): HubPlanFiles => ({
  version: 1,
  editable: true,
  folder: '/etc/sendense/plans',
  files: names.map((name, index) => ({
    file: `${name}.yaml`,
    plan: index === 4 ? null : `${name}-nightly`,
    kind: 'backup',
    valid: index !== 4,
    problem: index === 4 ? 'line 7: there is no repository primry; sendense.yaml names primary, second, third' : null,
    link: false,
    bytes: 812,
    modified: now - index * day,
  })),
});

const usersOf = (now: number): UsersOutput => ({
  version: 1,
  users: ['anna', 'otto', 'maximiliane.von-der-hohenfels@backup-operators.corp.example.com', 'dba'].map(
    (name, index) => ({
      name,
      roles: index === 0 ? ['admin'] : index === 3 ? ['viewer', 'restorer'] : ['operator'],
      vms: index === 3 ? ['erp-production-*', 'pg*', 'customer-portal-web-frontend-*'] : null,
      created: now - 90 * day,
      changed: now - 3 * day,
      sessions: index,
      disabled: index === 1 ? now - day : null,
      kind: index === 2 ? 'oidc' : 'local',
    }),
  ),
});

const tokensOf = (now: number): TokensOutput => ({
  version: 1,
  tokens: ['prometheus', 'continuous-integration-of-the-customer-portal'].map((name, index) => ({
    name,
    roles: index === 0 ? ['metrics'] : ['operator'],
    vms: index === 0 ? null : ['customer-portal-*'],
    created: now - 40 * day,
    created_by: 'anna',
    expires: index === 0 ? null : now + 3 * day,
    used: index === 0 ? now - 12_000 : null,
    address: index === 0 ? '2001:db8:85a3:8d3:1319:8a2e:370:7348' : null,
  })),
});

const sessionsOf = (now: number): SessionsOutput => ({
  version: 1,
  current: 's-0',
  sessions: ['anna', 'anna', 'dba'].map((user, index) => ({
    id: `s-${index}`,
    user,
    created: now - 2 * day,
    proven: now - hour,
    used: now - index * hour,
    expires: now + 5 * hour,
    address: index === 1 ? '2001:db8:85a3:8d3:1319:8a2e:370:7348' : '192.0.2.7',
    agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  })),
});

const credentialsOf = (now: number): CredentialsOutput => ({
  version: 1,
  key: { kind: 'file', path: '/var/lib/sendense/credentials.key', id: 'b7d10c55' },
  credentials: ['vcenter-frankfurt-backup-service-account', 'old-esx'].map((name, index) => ({
    name,
    user: index === 0 ? 'svc-backup@vsphere.local' : null,
    created: now - 90 * day,
    updated: now - 8 * day,
    key_id: 'b7d10c55',
    problem: index === 1 ? 'it was sealed with another key; enter it again' : null,
    used_by: { sources: index === 0 ? ['vcenter'] : [], plans: index === 0 ? [`${vm}-nightly`, 'everything'] : [] },
  })),
});

const bootsOf = (now: number): BootsOutput => ({
  version: 1,
  boots: (['running', 'failed', 'starting'] as const).map((state, index) => ({
    version: 1,
    id: `b-${index}`,
    vm: index === 0 ? vm : 'mail-archive',
    repository: 'primary',
    backup_id: 'p-5',
    created: now - 5 * day,
    state,
    why:
      state === 'failed' ? 'the guest has not written a login prompt for 120 s; its screen says: no boot device' : null,
    started: now - 3 * hour,
    started_by: 'anna',
    folder: `/var/lib/sendense/boots/b-${index}`,
    guest_pid: state === 'running' ? 4711 : null,
    vnc: state === 'running' ? `/var/lib/sendense/boots/b-${index}/vnc.sock` : null,
    network: 'none',
    accel: 'kvm',
    firmware: 'efi',
    cpus: 4,
    memory_bytes: 8 * GiB,
    written_bytes: 3 * GiB,
    free_bytes: 40 * GiB,
    quota_bytes: null,
    disks: [
      {
        disk: 'disk-0',
        capacity_bytes: 64 * GiB,
        file: `/var/lib/sendense/boots/b-${index}/disk-0.qcow2`,
        written_bytes: 3 * GiB,
        server_pid: 4712,
      },
    ],
    needs_repository: true,
    move:
      state === 'running'
        ? { directory: '/srv/restored', done: false, copied_bytes: 9 * GiB, total_bytes: 64 * GiB }
        : null,
    notes: state === 'running' ? ['its clock is that of the hub'] : [],
  })),
});
