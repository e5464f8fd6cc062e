/** Every dialog of the page: where it is, what opens it, and a world that has something to show of it. */
import { failure, type World } from './stand-in.ts';
import { wholeWorld } from './whole-world.ts';

export interface Scene {
  /** The file that has it, below `src/web`. */
  readonly file: string;
  /** Begins the name of a button of the screen that is pressed before. */
  readonly before?: string;
  /** Begins the names of the buttons that open it: the first one of the screen, and those in the dialogs before it. */
  readonly press: readonly [opener: string, ...more: string[]];
  /** What is typed into its fields before it is asked for, by their names. */
  readonly typed?: Readonly<Record<string, string>>;
  /** What it says, once it is all there. */
  readonly shows: string | RegExp;
  /** The button that closes it, where Escape does not. */
  readonly close?: string;
}

const vm = 'erp-production-database-primary-fra1-az2.corp.example.com';

/** By the address of the screen. */
export const scenes: Readonly<Record<string, readonly Scene[]>> = {
  [`/vms/${vm}`]: [
    { file: 'screens/vm/back-up-now.tsx', press: ['Back up now'], shows: 'Type' },
    { file: 'screens/vm/point-acts.tsx', press: ['Verify'], shows: 'How deep' },
    { file: 'screens/vm/point-acts.tsx', press: ['Protect', 'Protect'], shows: 'Your password' },
    { file: 'screens/vm/point-acts.tsx', press: ['Unprotect'], shows: 'The next prune' },
    { file: 'screens/vm/remove-point.tsx', press: ['Remove'], shows: 'Nothing brings it back.' },
  ],
  [`/vms/${vm}/restore`]: [
    { file: 'screens/restore/boot-form.tsx', press: ['Say what it would do'], shows: 'network: none' },
  ],
  [`/vms/${vm}/restore?to=inPlace`]: [
    {
      file: 'screens/restore/preview.tsx',
      before: 'Show what it would do',
      press: ['Restore'],
      shows: 'To write over its disks',
    },
  ],
  '/runs/r-now': [{ file: 'screens/run/cancel.tsx', press: ['Cancel run'], shows: 'Let it run' }],
  '/plans/everything': [
    { file: 'screens/plans/run-now.tsx', press: ['Run now'], shows: 'It does what its text says.' },
    { file: 'screens/plan/plan-acts.tsx', press: ['Pause schedule'], shows: 'not caught up' },
  ],
  '/plan-files/nightly.yaml': [
    { file: 'screens/plan-file/plan-file-screen.tsx', press: ['Remove'], shows: 'Its restore points stay.' },
    { file: 'screens/plans/run-now.tsx', press: ['Run now'], shows: 'Type' },
  ],
  '/nodes/site-c': [
    {
      file: 'screens/nodes/node-acts.tsx',
      press: ['New token', 'New token'],
      shows: 'The hub’s key',
      close: 'I have it',
    },
    { file: 'screens/nodes/node-acts.tsx', press: ['Rename'], shows: 'New name' },
    { file: 'screens/nodes/node-acts.tsx', press: ['Revoke'], shows: 'Its runs fail.' },
  ],
  '/users': [
    {
      file: 'screens/users/user-acts.tsx',
      press: ['Add a user', 'Add'],
      typed: { user: 'dba', chosen: 'four random words', repeated: 'four random words' },
      shows: 'Your password',
    },
    { file: 'screens/users/user-acts.tsx', press: ['Roles: otto'], shows: 'Only these VMs' },
    { file: 'screens/users/user-acts.tsx', press: ['Log out: maximiliane'], shows: 'can log in again' },
    {
      file: 'screens/users/tokens.tsx',
      press: ['Make a token', 'Make it'],
      typed: { token: 'portal' },
      shows: 'Copy it now.',
      close: 'I have it',
    },
  ],
  '/credentials': [
    { file: 'screens/credentials/credential-acts.tsx', press: ['Add a credential'], shows: 'User at the source' },
    { file: 'screens/credentials/credential-acts.tsx', press: ['Test', 'Log in'], shows: 'privileges are missing' },
    { file: 'screens/credentials/credential-acts.tsx', press: ['Remove'], shows: '1 source and 2 plans use it' },
  ],
  '/boots': [
    { file: 'screens/boots/screen.tsx', press: ['Screen'], shows: /has no POST/ },
    { file: 'screens/boots/boot-acts.tsx', press: ['Switch off'], shows: 'Pull its plug' },
    { file: 'screens/boots/boot-acts.tsx', press: ['Move'], shows: 'The guest goes on meanwhile.' },
  ],
  '/repositories/primary': [
    { file: 'screens/repository/check.tsx', press: ['Look for damage'], shows: 'How' },
    { file: 'screens/repository/verify-all.tsx', press: ['Verify'], shows: 'How' },
  ],
  '/discovery': [
    { file: 'screens/discovery/discovery-screen.tsx', press: ['Ask for its VMs'], shows: 'Node that asks' },
    { file: 'screens/discovery/write-plan.tsx', press: ['Write a plan'], shows: 'Nothing is overwritten.' },
  ],
  '/schedule': [
    { file: 'screens/schedule/pause.tsx', press: ['Pause '], shows: 'Why (others read it)' },
    { file: 'screens/schedule/backfill.tsx', press: ['Backfill', 'Show which'], shows: 'and 5 more' },
  ],
  [`/files/${vm}`]: [{ file: 'screens/files/unlock.tsx', press: ['Unlock'], shows: 'It is kept nowhere.' }],
};

/** What other tests open, for it takes more than buttons. */
export const elsewhere = [
  'design/act-dialog.tsx',
  'screens/files/command.tsx',
  'screens/files/file-dialog.tsx',
  'screens/plan-file/conflict.tsx',
  'screens/plan-file/leaving.tsx',
  'screens/plan-file/save-plan.tsx',
  'shell/page.tsx',
] as const;

const stale = (): object =>
  failure(403, 'access.stale', 'this takes a password that was typed within 10 minutes', 'Type it below.');

/** @param now the time, ms */
export function dialogWorld(now: number): World {
  const whole = wholeWorld({ now });
  const users = (): object => whole['GET /api/v1/users']?.(new URLSearchParams(), undefined) ?? {};
  const slots = whole['POST /api/v1/schedules/pg01-nightly/backfill'];
  return {
    ...whole,
    'PUT /api/v1/backups/p-5/protection': stale,
    'POST /api/v1/users': stale,
    'GET /api/v1/users/otto': users,
    'POST /api/v1/backups/p-5/prune-preview': () => ({
      version: 1,
      vms: [
        {
          vm,
          error: null,
          remarks: ['the repository is nearly full'],
          points: [{ backup_id: 'p-5', created: now, keep: false, reasons: [], merges: [] }],
        },
      ],
      freed: { at_least: 2 ** 30, at_most: 3 * 2 ** 30 },
    }),
    'POST /api/v1/nodes/site-c/token': () => ({
      version: 1,
      name: 'site-c',
      token: 'aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0z'.repeat(8),
      expires: now + 3_600_000,
      ssh_port: 2222,
      host_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0m3kq1lV4n9s8d7f6g5h4j3k2l1m0n9b8v7c6x5z4a',
    }),
    'POST /api/v1/tokens': () => ({ version: 1, secret: `sds_${'aB3dE6gH'.repeat(5)}`, tokens: [{ name: 'portal' }] }),
    'POST /api/v1/credentials/vcenter-frankfurt-backup-service-account/test': () => ({
      version: 1,
      ok: false,
      user: 'svc-backup@vsphere.local',
      source: 'vcenter',
      about: { full_name: 'VMware vCenter Server 8.0.3' },
      missing: [{ privilege: 'VirtualMachine.Config.ChangeTracking', why: 'to read changed blocks only' }],
      warnings: ['its certificate ends in 12 days'],
    }),
    ...(slots ? { [`POST /api/v1/schedules/${vm}-nightly/backfill`]: slots } : {}),
  };
}
