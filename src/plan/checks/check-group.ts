import type { Finding, Path } from '../../errors/findings/finding.ts';
import type { GroupPlan, Settings, VmMatch } from '../../schemas/types.ts';
import { kindOf, strangeMatchKeys, strangeVmKeys, type AnyKind } from '../../sources/index.ts';
import { unknownName } from './unknown-name.ts';
import { shown } from '../../errors/findings/words.ts';

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
  const source = settings.sources[name];
  if (missing.length > 0 || !source) return missing;
  const kind = kindOf(source);
  return [...entriesOf(plan, kind), ...readingOf(plan, kind)].map(({ path, key }) => ({
    rule: 'settings/vsphere-only',
    at: { path: [...path, key] },
    message: `${key} has no meaning for the source ${shown(name)}, which is of type ${kind.type}`,
  }));
}

/** What asks for something that the VMs of such a source do not have. */
function entriesOf({ members, exclude = [], overrides = [] }: GroupPlan, kind: AnyKind): { path: Path; key: string }[] {
  const entries: [VmMatch, Path][] = [
    ...members.map((entry, index): [VmMatch, Path] => [entry, ['members', index]]),
    ...exclude.map((entry, index): [VmMatch, Path] => [entry, ['exclude', index]]),
    ...overrides.map(({ match }, index): [VmMatch, Path] => [match, ['overrides', index, 'match']]),
  ];
  const strange = strangeMatchKeys(kind);
  return entries.flatMap(([entry, path]) =>
    strange.filter((key) => entry[key] !== undefined).map((key) => ({ path, key })),
  );
}

function readingOf({ vm, overrides = [] }: GroupPlan, kind: AnyKind): { path: Path; key: string }[] {
  const strange: readonly string[] = strangeVmKeys(kind);
  const keysOf = (reading: object = {}): string[] => Object.keys(reading).filter((key) => strange.includes(key));
  return [
    ...keysOf(vm).map((key) => ({ path: ['vm'], key })),
    ...overrides.flatMap((over, index) => keysOf(over.vm).map((key) => ({ path: ['overrides', index, 'vm'], key }))),
  ];
}
