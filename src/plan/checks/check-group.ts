import type { Finding, Path } from '../../errors/findings/finding.ts';
import type { GroupPlan, Settings, VmMatch } from '../../schemas/types.ts';
import { unknownName } from './unknown-name.ts';
import { shown } from '../../errors/findings/words.ts';

/** Keys of an entry that only vSphere's VMs have. */
const vsphereMatches = ['folder', 'path', 'moref', 'tag'] as const;

/** Whether a group's names stand in the settings, and whether its source can tell what its entries ask for. */
export function groupFindings(plan: GroupPlan, settings: Settings, nodes: readonly string[]): Finding[] {
  const overrides = plan.overrides ?? [];
  const repositories = Object.keys(settings.repositories);
  return [
    ...sourceFindings(plan, settings),
    ...overrides.flatMap(({ repository, node }, index) => [
      ...(repository === undefined
        ? []
        : unknownName('repository', repository, repositories, ['overrides', index, 'repository'])),
      ...(node === undefined ? [] : unknownName('node', node, nodes, ['overrides', index, 'node'])),
    ]),
  ];
}

function sourceFindings(plan: GroupPlan, settings: Settings): Finding[] {
  const known = Object.keys(settings.sources);
  if (plan.source === undefined && known.length !== 1) {
    const message =
      known.length === 0
        ? 'the settings have no source in which the VMs of the group could be'
        : 'the settings have several sources, and the group names none';
    return [
      {
        rule: 'settings/no-source',
        at: { path: ['members'] },
        message,
        allowed: known,
        remedy: 'Add source to the plan, and the source to sendense.yaml.',
      },
    ];
  }
  const name = plan.source ?? known[0] ?? '';
  const missing = unknownName('source', name, known, ['source']);
  if (missing.length > 0 || settings.sources[name]?.type === 'vsphere') return missing;
  return [...entriesOf(plan), ...readingOf(plan)].map(({ path, key }) => ({
    rule: 'settings/vsphere-only',
    at: { path: [...path, key] },
    message: `${key} has no meaning for the source ${shown(name)}, which is of type image`,
  }));
}

/** What asks for something that images do not have. */
function entriesOf({ members, exclude = [], overrides = [] }: GroupPlan): { path: Path; key: string }[] {
  const entries: [VmMatch, Path][] = [
    ...members.map((entry, index): [VmMatch, Path] => [entry, ['members', index]]),
    ...exclude.map((entry, index): [VmMatch, Path] => [entry, ['exclude', index]]),
    ...overrides.map(({ match }, index): [VmMatch, Path] => [match, ['overrides', index, 'match']]),
  ];
  return entries.flatMap(([entry, path]) =>
    vsphereMatches.filter((key) => entry[key] !== undefined).map((key) => ({ path, key })),
  );
}

const readingOf = ({ vm, overrides = [] }: GroupPlan): { path: Path; key: string }[] => [
  ...Object.keys(vm).map((key) => ({ path: ['vm'], key })),
  ...overrides.flatMap((over, index) =>
    Object.keys(over.vm ?? {}).map((key) => ({ path: ['overrides', index, 'vm'], key })),
  ),
];
