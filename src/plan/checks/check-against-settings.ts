import type { Finding } from '../../errors/findings/finding.ts';
import { isAbsolute } from 'node:path';
import type { BackupPlan, IncrementalPlan, Plan, Settings } from '../../schemas/types.ts';
import { notifyFindings } from './check-notify.ts';
import { relativeDisks } from './check-plan.ts';
import { compressionFindings } from './check-repositories.ts';
import { vmFindings } from './check-vm.ts';
import { groupFindings } from './check-group.ts';
import { targetSettingsFindings } from './check-target.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { isWritten, type PlanDocument } from '../yaml/document.ts';
import { kindOf } from '../../sources/index.ts';
import { vsphereNames } from '../../sources/vsphere/as-vsphere.ts';
import { isBackup } from '../plan-kinds.ts';
import { unknownName } from './unknown-name.ts';
import { shown } from '../../errors/findings/words.ts';

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
  usable?: (key: 'repository' | 'node' | 'vm') => boolean,
): Diagnostic[] {
  const complete = usable === undefined;
  const isUsable = usable ?? (() => true);
  const findings: Finding[] = [];
  if (isUsable('repository'))
    findings.push(...unknownName('repository', plan.repository, Object.keys(settings.repositories), ['repository']));
  if (isUsable('repository')) findings.push(...compressionFindings(plan, settings));
  if (plan.kind === 'group') {
    if (isUsable('node')) findings.push(...unknownName('node', plan.node, nodesOf(settings), ['node']));
    if (complete) findings.push(...groupFindings(plan, settings, nodesOf(settings)));
  }
  if (isBackup(plan)) {
    if (isUsable('node')) findings.push(...unknownName('node', plan.node, nodesOf(settings), ['node']));
    findings.push(...(isUsable('vm') ? sourceFindings(plan, settings) : nameOfSourceFindings(plan.vm, settings)));
    if (isUsable('node') && isUsable('vm') && (settings.nodes[plan.node]?.mode ?? 'embedded') !== 'embedded')
      findings.push(...relativeFindings(document, plan, settings));
  }
  if (plan.kind === 'restore' && complete && plan.to)
    findings.push(
      ...targetSettingsFindings(
        { ...plan.to },
        {
          vspheres: vsphereNames(settings),
          nodes: nodesOf(settings),
        },
      ),
    );
  findings.push(...notifyFindings(plan.notify, Object.keys(settings.notify.channels)));
  return findings.map((finding) => {
    const path = 'path' in finding.at ? (finding.at.path ?? []) : [];
    return diagnosticOf(
      document,
      isWritten(document, path) ? finding : { ...finding, at: { path: path.slice(0, -1) } },
    );
  });
}

const nodesOf = (settings: Settings): string[] => [...new Set([builtInNode, ...Object.keys(settings.nodes)])];

function sourceFindings(plan: BackupPlan | IncrementalPlan, settings: Settings): Finding[] {
  const { source } = plan.vm;
  if (typeof source === 'object') return vmFindings(plan.vm, undefined, settings);
  const known = Object.keys(settings.sources);
  if (source !== undefined) {
    const missing = unknownName('source', source, known, ['vm', 'source']);
    return missing.length > 0 ? missing : vmFindings(plan.vm, source, settings);
  }
  if (known.length === 1 && known[0] !== undefined) return vmFindings(plan.vm, known[0], settings);
  const message =
    known.length === 0
      ? 'neither the plan nor the settings say where the disks of the VM are'
      : 'the settings have several sources, and the plan names none';
  return [{ rule: 'settings/no-source', at: { path: ['vm'] }, message, allowed: known }];
}

/** Of a `vm` with mistakes of form only the name of its source is looked at: it says what else is wrong. */
function nameOfSourceFindings(vm: unknown, settings: Settings): Finding[] {
  const source: unknown = typeof vm === 'object' && vm !== null && 'source' in vm ? vm.source : undefined;
  // What cannot be a name at all has been told.
  return typeof source === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(source)
    ? unknownName('source', source, Object.keys(settings.sources), ['vm', 'source'])
    : [];
}

function relativeFindings(document: PlanDocument, plan: BackupPlan | IncrementalPlan, settings: Settings): Finding[] {
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
  const disks = (written && kindOf(written).writtenDisks(written, name)) ?? [];
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
