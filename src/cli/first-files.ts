import { stringify } from 'yaml';
import { nameFrom } from '../plan/names.ts';
import type { SourceType } from '../sources/source-kind.ts';

/** What somebody wants who begins. */
export type FirstPlan = {
  /** Its name in the source. */
  readonly vm: string;
  /** Folder. */
  readonly repository: string;
} & FirstSource;

export type FirstSource = { readonly [T in SourceType]: { readonly type: T } & FirstSources[T] }[SourceType];

interface FirstSources {
  readonly image: { readonly files: readonly string[] };
  readonly vsphere: { readonly host: string; readonly thumbprint?: string | undefined };
}

export interface FirstFiles {
  readonly settings: string;
  readonly plan: string;
  readonly planName: string;
  /** Commands that come next. */
  readonly next: readonly string[];
}

type Begin<T extends SourceType> = (wanted: Extract<FirstSource, { type: T }>) => {
  /** Of sendense.yaml; null: it needs none. */
  readonly sources: object | null;
  /** Of the plan's VM. */
  readonly source: unknown;
  next(vm: string, plan: string): string[];
};

/** How somebody begins with each kind of source. */
const beginnings: { readonly [T in SourceType]: Begin<T> } = {
  image: ({ type, files }) => ({
    sources: null,
    source: { type, disks: files.map((path) => ({ path })) },
    next: (vm, plan) => [`sendense-run plan ${plan}`, `sendense-run ${plan}`, `sendense-run show ${vm}`],
  }),
  vsphere: ({ type, host, thumbprint }) => ({
    sources: { vcenter: { type, host, credential: 'vcenter', ...(thumbprint === undefined ? {} : { thumbprint }) } },
    source: 'vcenter',
    next: (vm, plan) => [
      'sendense-run credentials add vcenter --user backup@vsphere.local',
      `sendense-run discover vcenter --vm ${vm}`,
      `sendense-run ${plan}`,
    ],
  }),
};

/** Of the plan's name. */
const suffix = '-nightly';

/** The texts of sendense.yaml and of a first plan. */
export function firstFiles(wanted: FirstPlan): FirstFiles {
  const { vm, repository } = wanted;
  const { sources, source, next } = (beginnings[wanted.type] as Begin<SourceType>)(wanted);
  const name = `${nameFrom(vm, suffix.length)}${suffix}`;
  const planName = `${name}.yaml`;
  const settings = {
    version: 1,
    state: './state/sendense.db',
    repositories: { primary: { path: repository } },
    ...(sources ? { sources } : {}),
  };
  const plan = {
    version: 1,
    kind: 'backup',
    name,
    vm: { name: vm, source },
    repository: 'primary',
  };
  return {
    settings: `# Settings; relative paths count from this file. See docs/settings.md.\n${stringify(settings)}`,
    plan: `# Full the first time, incremental from then on. Add schedule, retention and rpo: see docs/plans/shared-keys.md.\n${stringify(plan)}`,
    planName,
    next: next(vm, planName),
  };
}
