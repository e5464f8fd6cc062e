import type { FunctionComponent } from 'preact';
import { fit } from './router.ts';

/** What a screen gets of its address. */
export interface ScreenProps {
  readonly params: Readonly<Record<string, string>>;
}

/** Groups of the navigation, in their order. */
export const groups = ['Look', 'Act', 'Set up'] as const;
export type Group = (typeof groups)[number];

/** A screen: its address, its name, where it stands in the navigation. */
export interface Screen {
  /** As `fit` reads it. */
  readonly path: string;
  readonly title: string;
  /** Group of the navigation; null: reached from another screen. */
  readonly group: Group | null;
  /** Which entry of the navigation is marked, where it is not its own. */
  readonly below?: string;
  /** Who lacks the right does not see it. */
  readonly right: string;
  load(): Promise<FunctionComponent<ScreenProps>>;
}

/** All screens. The navigation has them in this order. */
export const screens: readonly Screen[] = [
  {
    path: '/',
    title: 'Status',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/status/status-screen.tsx')).StatusScreen,
  },
  {
    path: '/vms',
    title: 'VMs',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/vms/vms-screen.tsx')).VmsScreen,
  },
  {
    path: '/runs',
    title: 'Runs',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/runs/runs-screen.tsx')).RunsScreen,
  },
  {
    path: '/runs/{run}',
    title: 'Run',
    group: null,
    below: '/runs',
    right: 'look',
    load: async () => (await import('../screens/run/run-screen.tsx')).RunScreen,
  },
  {
    path: '/vms/{vm}',
    title: 'VM',
    group: null,
    below: '/vms',
    right: 'look',
    load: async () => (await import('../screens/vm/vm-screen.tsx')).VmScreen,
  },
  {
    path: '/files',
    title: 'Files',
    group: 'Act',
    right: 'browse',
    load: async () => (await import('../screens/files/files-screen.tsx')).FilesScreen,
  },
  {
    path: '/files/{vm}',
    title: 'Files of a VM',
    group: null,
    below: '/files',
    right: 'browse',
    load: async () => (await import('../screens/files/point-screen.tsx')).PointScreen,
  },
  {
    path: '/plans',
    title: 'Plans',
    group: 'Set up',
    right: 'look',
    load: async () => (await import('../screens/plans/plans-screen.tsx')).PlansScreen,
  },
  {
    path: '/plans/{plan}',
    title: 'Plan',
    group: null,
    below: '/plans',
    right: 'look',
    load: async () => (await import('../screens/plan/plan-screen.tsx')).PlanScreen,
  },
  {
    path: '/vms/{vm}/restore',
    title: 'Restore',
    group: null,
    below: '/vms',
    right: 'restore',
    load: async () => (await import('../screens/restore/restore-screen.tsx')).RestoreScreen,
  },
  {
    path: '/boots',
    title: 'Running VMs',
    group: 'Act',
    right: 'look',
    load: async () => (await import('../screens/boots/boots-screen.tsx')).BootsScreen,
  },
  {
    path: '/plan-files',
    title: 'New plan',
    group: null,
    below: '/plans',
    right: 'plan',
    load: async () => (await import('../screens/plan-file/plan-file-screen.tsx')).PlanFileScreen,
  },
  {
    path: '/plan-files/{file}',
    title: 'Plan file',
    group: null,
    below: '/plans',
    right: 'plan',
    load: async () => (await import('../screens/plan-file/plan-file-screen.tsx')).PlanFileScreen,
  },
  {
    path: '/discovery',
    title: 'Discovery',
    group: 'Set up',
    right: 'look',
    load: async () => (await import('../screens/discovery/discovery-screen.tsx')).DiscoveryScreen,
  },
  {
    path: '/credentials',
    title: 'Credentials',
    group: 'Set up',
    right: 'administer',
    load: async () => (await import('../screens/credentials/credentials-screen.tsx')).CredentialsScreen,
  },
  {
    path: '/users',
    title: 'Users and tokens',
    group: 'Set up',
    right: 'administer',
    load: async () => (await import('../screens/users/users-screen.tsx')).UsersScreen,
  },
  {
    path: '/account',
    title: 'Your account',
    group: null,
    right: 'self',
    load: async () => (await import('../screens/account/account-screen.tsx')).AccountScreen,
  },
  {
    path: '/schedule',
    title: 'Schedule',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/schedule/schedule-screen.tsx')).ScheduleScreen,
  },
  {
    path: '/repositories',
    title: 'Repositories',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/repositories/repositories-screen.tsx')).RepositoriesScreen,
  },
  {
    path: '/repositories/{repository}',
    title: 'Repository',
    group: null,
    below: '/repositories',
    right: 'look',
    load: async () => (await import('../screens/repository/repository-screen.tsx')).RepositoryScreen,
  },
  {
    path: '/nodes',
    title: 'Nodes',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/nodes/nodes-screen.tsx')).NodesScreen,
  },
  {
    path: '/nodes/{node}',
    title: 'Node',
    group: null,
    below: '/nodes',
    right: 'look',
    load: async () => (await import('../screens/node/node-screen.tsx')).NodeScreen,
  },
  {
    path: '/notices',
    title: 'Notices',
    group: 'Look',
    right: 'look',
    load: async () => (await import('../screens/notices/notices-screen.tsx')).NoticesScreen,
  },
  {
    path: '/audit',
    title: 'Audit',
    group: 'Look',
    right: 'administer',
    load: async () => (await import('../screens/audit/audit-screen.tsx')).AuditScreen,
  },
];

export interface Found {
  readonly screen: Screen;
  readonly params: Readonly<Record<string, string>>;
}

/** The screen at a path; undefined where there is none. */
export function screenAt(path: string): Found | undefined {
  for (const screen of screens) {
    const params = fit(screen.path, path);
    if (params) return { screen, params };
  }
  return undefined;
}
