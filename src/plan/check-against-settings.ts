import { isAbsolute } from 'node:path';
import type { Plan, Settings } from '../schemas/types.ts';
import { relativeDisks } from './check-plan.ts';
import { vmFindings } from './check-vm.ts';
import { diagnosticOf, type Diagnostic, type Finding } from './diagnostic.ts';
import { didYouMean } from './did-you-mean.ts';
import { isWritten, type Path, type PlanDocument } from './document.ts';
import { shown } from './words.ts';

/** The node that is there without being named in the settings. */
const builtInNode = 'local';

/**
 * Names in a plan that must stand in the settings.
 * @param usable whether a key of the plan is of the right form; a broken one has its own diagnostic. Default: all are
 */
export function checkAgainstSettings(
  document: PlanDocument,
  plan: Plan,
  settings: Settings,
  usable: (key: 'repository' | 'node' | 'vm') => boolean = () => true,
): Diagnostic[] {
  const findings: Finding[] = [];
  if (usable('repository'))
    findings.push(...unknown('repository', plan.repository, Object.keys(settings.repositories), ['repository']));
  if (plan.kind !== 'restore') {
    const nodes = [...new Set([builtInNode, ...Object.keys(settings.nodes)])];
    if (usable('node')) findings.push(...unknown('node', plan.node, nodes, ['node']));
    if (usable('vm')) findings.push(...sourceFindings(plan, settings));
    if (usable('vm') && (settings.nodes[plan.node]?.mode ?? 'embedded') !== 'embedded')
      findings.push(...relativeFindings(document, plan, settings));
  }
  return findings.map((finding) => {
    const path = 'path' in finding.at ? (finding.at.path ?? []) : [];
    return diagnosticOf(
      document,
      isWritten(document, path) ? finding : { ...finding, at: { path: path.slice(0, -1) } },
    );
  });
}

function unknown(
  what: 'repository' | 'node' | 'source',
  name: string,
  known: readonly string[],
  path: Path,
): Finding[] {
  if (known.includes(name)) return [];
  const message = `the settings have no ${what} ${shown(name)}`;
  return [
    {
      rule: `settings/unknown-${what}`,
      at: { path, part: 'value' },
      message,
      allowed: known,
      suggestion: didYouMean(name, known),
    },
  ];
}

function sourceFindings(plan: Exclude<Plan, { kind: 'restore' }>, settings: Settings): Finding[] {
  const { source } = plan.vm;
  if (typeof source === 'object') return vmFindings(plan.vm, undefined, settings);
  const known = Object.keys(settings.sources);
  if (source !== undefined) {
    const missing = unknown('source', source, known, ['vm', 'source']);
    return missing.length > 0 ? missing : vmFindings(plan.vm, source, settings);
  }
  if (known.length === 1 && known[0] !== undefined) return vmFindings(plan.vm, known[0], settings);
  const message =
    known.length === 0
      ? 'neither the plan nor the settings say where the disks of the VM are'
      : 'the settings have several sources, and the plan names none';
  return [{ rule: 'settings/no-source', at: { path: ['vm'] }, message, allowed: known }];
}

function relativeFindings(
  document: PlanDocument,
  plan: Exclude<Plan, { kind: 'restore' }>,
  settings: Settings,
): Finding[] {
  const why = `the node ${shown(plan.node)} is not embedded`;
  const own = relativeDisks(document).map((path): Finding => ({
    rule: 'settings/relative-path',
    at: { path, part: 'value' },
    message: `the path is relative, and ${why}`,
  }));
  const { source, name } = plan.vm;
  if (typeof source === 'object') return own;
  const chosen = source ?? Object.keys(settings.sources)[0];
  const written = chosen === undefined ? undefined : settings.sources[chosen];
  const disks = (written?.type === 'image' ? written.vms[name]?.disks : undefined) ?? [];
  const relative = disks.find((disk) => !isAbsolute(disk.path));
  if (!relative) return own;
  return [
    {
      rule: 'settings/relative-path',
      at: { path: ['vm', 'name'], part: 'value' },
      message: `the source ${shown(chosen)} gives the relative path ${shown(relative.path)} for this VM, and ${why}`,
    },
  ];
}
