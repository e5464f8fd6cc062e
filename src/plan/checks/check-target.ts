import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import { unknownName } from './unknown-name.ts';
import type { RestoreWriteOutput } from '../../schemas/types.ts';

type Mapping = Readonly<Record<string, unknown>>;
type TargetType = RestoreWriteOutput['target'];

/** What the settings have. */
export interface SettingsNames {
  /** vCenters and ESXi hosts. */
  readonly vspheres: readonly string[];
  readonly nodes: readonly string[];
}

/** What a schema cannot say about a kind of target. */
export interface TargetChecks {
  /** About a plan's `to`, which may still have mistakes of form. */
  findings(to: Mapping): Finding[];
  /** About names in it that must stand in the settings; null: there are none. */
  readonly settingsFindings: ((to: Mapping, names: SettingsNames) => Finding[]) | null;
  /** Keys of `to` that say something about disks; null: only disks go to it, and no files. */
  readonly besideFiles: { readonly noMeaning: readonly string[] } | null;
}

const checks: { readonly [T in TargetType]: TargetChecks } = {
  directory: {
    findings: directoryFindings,
    settingsFindings: null,
    besideFiles: { noMeaning: ['format', 'subformat', 'thin'] },
  },
  device: { findings: deviceFindings, settingsFindings: null, besideFiles: null },
  ova: { findings: ovaFindings, settingsFindings: null, besideFiles: null },
  kvm: { findings: kvmFindings, settingsFindings: null, besideFiles: null },
  vsphere: {
    findings: () => [],
    settingsFindings: (to, names) => vsphereNames('vsphere', to, names),
    besideFiles: null,
  },
  inPlace: {
    findings: () => [],
    settingsFindings: (to, names) => vsphereNames('inPlace', to, names),
    besideFiles: null,
  },
  attach: {
    findings: () => [],
    settingsFindings: (to, names) => vsphereNames('attach', to, names),
    besideFiles: null,
  },
  attachKvm: { findings: () => [], settingsFindings: null, besideFiles: null },
};

/**
 * About a plan's `to`. Where it names no kind, any could have been meant.
 * @param hasFiles whether the plan restores files, not disks
 */
export function targetFindings(
  to: Mapping,
  hasFiles: boolean,
  known: Readonly<Record<string, TargetChecks>> = checks,
): Finding[] {
  const types = Object.keys(known);
  const named = types.filter((type) => type in to);
  return (named.length > 0 ? named : types).flatMap((type) => {
    const kind = known[type];
    return kind ? [...kind.findings(to), ...(hasFiles && type in to ? fileFindings(type, kind, to) : [])] : [];
  });
}

/** About names in a plan's `to` that must stand in the settings. */
export const targetSettingsFindings = (to: Mapping, names: SettingsNames): Finding[] =>
  Object.entries(checks).flatMap(([type, { settingsFindings }]) =>
    type in to && settingsFindings ? settingsFindings(to, names) : [],
  );

function vsphereNames(key: string, to: Mapping, { vspheres, nodes }: SettingsNames): Finding[] {
  return [
    ...unknownName('source', String(to[key]), vspheres, ['to', key]),
    ...unknownName('node', String(to['node']), nodes, ['to', 'node']),
  ];
}

/** A plan restores disks or files: what is about the others has no meaning. */
function fileFindings(type: string, { besideFiles }: TargetChecks, to: Mapping): Finding[] {
  if (besideFiles === null)
    return [
      {
        rule: 'restore/no-meaning',
        at: { path: ['files'] },
        message: `files cannot go to a target of kind ${type}: it takes whole disks`,
        remedy: 'Write `to: { directory: FOLDER }`, or remove `files`.',
      },
    ];
  return besideFiles.noMeaning
    .filter((key) => to[key] !== undefined)
    .map((key) => ({
      rule: 'restore/no-meaning',
      at: { path: ['to', key] },
      message: `to.${key} has no meaning beside files`,
    }));
}

function directoryFindings(to: Mapping): Finding[] {
  const format = to['format'] ?? 'raw';
  const found: Finding[] = [];
  if (to['subformat'] !== undefined && format !== 'vmdk')
    found.push({
      rule: 'restore/subformat',
      at: { path: ['to', 'subformat'] },
      message: `subformat has no meaning for ${shown(format)}`,
    });
  if (to['thin'] === true && format !== 'qcow2')
    found.push({
      rule: 'restore/thin',
      at: { path: ['to', 'thin'] },
      message: `thin has no meaning for ${shown(format)}`,
    });
  return found;
}

/** Which disks there are is known only when the restore point is. */
function deviceFindings(to: Mapping): Finding[] {
  const { device } = to;
  if (typeof device !== 'object' || device === null) return [];
  const entries = Object.entries(device as Mapping);
  return entries.flatMap(([disk, path], index): Finding[] => {
    const first = entries.findIndex(([, other]) => other === path);
    if (first === index) return [];
    return [
      {
        rule: 'restore/device',
        at: { path: ['to', 'device', disk] },
        message: `${disk} and ${entries[first]?.[0]} go to the same device`,
      },
    ];
  });
}

/** Programs that take OVA files go by the name. */
function ovaFindings({ ova }: Mapping): Finding[] {
  if (typeof ova !== 'string' || /[^/]\.ova$/.test(ova)) return [];
  return [
    {
      rule: 'restore/ova-name',
      at: { path: ['to', 'ova'] },
      message: `${shown(ova)} does not end with .ova, which vSphere and ovftool want`,
    },
  ];
}

function kvmFindings(to: Mapping): Finding[] {
  const found: Finding[] = [];
  // Connected to what?
  if (to['connect'] === true && to['network'] === undefined)
    found.push({
      rule: 'restore/network',
      at: { path: ['to', 'connect'] },
      message: 'connect says nothing of where the network cards go',
      remedy: 'Add `network`, for example `network: default`.',
    });
  // By whom?
  if (to['libvirt'] === 'none' && to['start'] !== undefined && to['start'] !== false)
    found.push({
      rule: 'restore/start',
      at: { path: ['to', 'start'] },
      message: 'libvirt starts the VM, and libvirt is `none`',
      remedy: 'Remove `libvirt`, or remove `start` and run start.sh after the restore.',
    });
  return found;
}
