import { stringify } from 'yaml';

/** What somebody wants who begins. */
export type FirstPlan = {
  /** Its name in the source. */
  readonly vm: string;
  /** Folder. */
  readonly repository: string;
} & ({ readonly images: readonly string[] } | { readonly vcenter: string; readonly thumbprint?: string | undefined });

export interface FirstFiles {
  readonly settings: string;
  readonly plan: string;
  readonly planName: string;
  /** Commands that come next. */
  readonly next: readonly string[];
}

/** The texts of sendense.yaml and of a first plan. */
export function firstFiles(wanted: FirstPlan): FirstFiles {
  const { vm, repository } = wanted;
  const trust = 'vcenter' in wanted && wanted.thumbprint !== undefined ? { thumbprint: wanted.thumbprint } : {};
  const source =
    'vcenter' in wanted ? { type: 'vsphere', host: wanted.vcenter, credential: 'vcenter', ...trust } : null;
  const disks = 'images' in wanted ? wanted.images.map((path) => ({ path })) : [];
  const planName = `${vm}-nightly.yaml`;
  const settings = {
    version: 1,
    state: './state/sendense.db',
    repositories: { primary: { path: repository } },
    ...(source ? { sources: { vcenter: source } } : {}),
  };
  const plan = {
    version: 1,
    kind: 'backup',
    name: `${vm}-nightly`,
    vm: source ? { name: vm, source: 'vcenter' } : { name: vm, source: { type: 'image', disks } },
    repository: 'primary',
  };
  return {
    settings: `# Settings; relative paths count from this file. See docs/settings.md.\n${stringify(settings)}`,
    plan: `# Full the first time, incremental from then on. Add schedule, retention and rpo: see docs/plans/shared-keys.md.\n${stringify(plan)}`,
    planName,
    next: source
      ? [
          'sendense-run credentials add vcenter --user backup@vsphere.local',
          `sendense-run discover vcenter --vm ${vm}`,
          `sendense-run ${planName}`,
        ]
      : [`sendense-run plan ${planName}`, `sendense-run ${planName}`, `sendense-run show ${vm}`],
  };
}
