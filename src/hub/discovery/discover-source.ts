import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { nameFrom } from '../../plan/names.ts';
import type {
  DiscoverOutput,
  ImageDiscoverOutput,
  ImageSourceSettings,
  VsphereDiscoverOutput,
  VsphereSourceSettings,
  VsphereVm,
} from '../../schemas/types.ts';
import { knownVms } from '../../restore-points/choose/known-vms.ts';
import { loginFor } from '../../steps/at-node/source-login.ts';
import { imageSpecOf, vsphereSpecOf } from '../../steps/at-node/source-spec.ts';
import type { Services } from '../../steps/services.ts';
import type { PlanSubject, PlanTarget } from './write-plan.ts';

export interface DiscoverRequestOptions {
  /** Of sendense.yaml. */
  readonly source: string;
  /** Name, inventory path or managed object id. */
  readonly vm?: string | undefined;
  /** Only VMs below this inventory path. */
  readonly folder?: string | undefined;
  /** Default: the embedded one. */
  readonly node?: string | undefined;
  /** Makes a plan for the VM that `vm` names. */
  readonly plan?: PlanTarget | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a plan and answers its path, see `write-plan.ts`. */
export type WritePlan = (subject: PlanSubject, target: PlanTarget) => Promise<string>;

/** The VMs of a source as a node sees them. @throws SendenseError `source.missing`, `usage`, and what the node says */
export async function discoverSource(
  services: Services,
  options: DiscoverRequestOptions,
  writePlan: WritePlan,
): Promise<DiscoverOutput> {
  if (options.plan && options.vm === undefined)
    throw new SendenseError('usage', 'a plan is made for one VM', { remedy: 'Say which: --vm VM.' });
  const { sources } = services.settings;
  const source = sources[options.source];
  if (!source)
    throw new SendenseError(
      'source.missing',
      `sendense.yaml has no source ${options.source}; it has ${Object.keys(sources).join(', ') || 'none'}${meant(options.source, Object.keys(sources))}`,
      { remedy: 'Name one of `sources` in sendense.yaml.' },
    );
  const client = await services.node(options.node ?? 'local');
  return source.type === 'vsphere'
    ? discoverVsphere(services, client, source, options, writePlan)
    : discoverImages(services, client, source, options, writePlan);
}

async function discoverVsphere(
  services: Services,
  client: NodeClient,
  source: VsphereSourceSettings,
  { source: name, vm, folder, node = 'local', plan, signal }: DiscoverRequestOptions,
  writePlan: WritePlan,
): Promise<VsphereDiscoverOutput> {
  const spec = vsphereSpecOf(name, source, services.settingsFolder);
  const { about, vms, warnings } = await client.inventory(
    { source: spec, ...(await loginFor(services, spec)) },
    signal,
  );
  const below =
    folder === undefined ? vms : vms.filter(({ path }) => path.startsWith(`${folder.replace(/\/+$/, '')}/`));
  if (folder !== undefined && below.length === 0)
    throw new SendenseError('source.missing', `source ${name} has no VM below ${folder}`);
  const one = vm === undefined ? undefined : oneVm(name, vm, below);
  const shown = one ? [one] : below;
  return {
    version: 1,
    type: 'vsphere',
    source: name,
    node,
    about,
    vms: [...shown].sort((left, right) => (left.path < right.path ? -1 : 1)),
    warnings,
    plan_file:
      one && plan
        ? await writePlan(subjectOf(one, vms, { source: name, node, owners: await ownersIn(services) }), plan)
        : null,
  };
}

const subjectOf = (
  vm: VsphereVm,
  vms: readonly VsphereVm[],
  about: Pick<PlanSubject, 'source' | 'node' | 'owners'>,
): PlanSubject => {
  // Two VMs of one name would be one in the repository.
  const same = vms.some((other) => other !== vm && nameFrom(other.name) === nameFrom(vm.name));
  return { ...about, name: vm.name, distinction: same ? vm.moref : null, vsphere: vm };
};

/** Of the repository that a plan which is written names. */
async function ownersIn(services: Services): Promise<PlanSubject['owners']> {
  const [repository] = Object.keys(services.settings.repositories);
  const known = repository === undefined ? [] : await knownVms(services, repository);
  return new Map(known.map(({ context, identity }) => [context, identity]));
}

/** By path, else managed object id, else name. */
function oneVm(source: string, wanted: string, vms: readonly VsphereVm[]): VsphereVm {
  for (const key of ['path', 'moref', 'name'] as const) {
    const found = vms.filter((vm) => vm[key] === wanted);
    if (found.length > 1)
      throw new SendenseError('usage', `source ${source} has ${found.length} VMs of the ${key} ${wanted}`, {
        remedy: `Name one by its path or id: ${found.map(({ path, moref }) => `${path} (${moref})`).join(', ')}`,
      });
    if (found[0]) return found[0];
  }
  throw noVm(
    source,
    wanted,
    vms.flatMap(({ name, path }) => [name, path]),
  );
}

async function discoverImages(
  services: Services,
  client: NodeClient,
  source: ImageSourceSettings,
  { source: name, vm, folder, node = 'local', plan, signal }: DiscoverRequestOptions,
  writePlan: WritePlan,
): Promise<ImageDiscoverOutput> {
  if (folder !== undefined)
    throw new SendenseError('usage', `source ${name} is of type image: its VMs are in no folder`, {
      remedy: 'Leave out --folder.',
    });
  const known = Object.keys(source.vms);
  if (vm !== undefined && !known.includes(vm)) throw noVm(name, vm, known);
  const vms: ImageDiscoverOutput['vms'] = [];
  for (const each of vm === undefined ? known : [vm]) {
    try {
      const spec = imageSpecOf(name, source, services.settingsFolder, each);
      const found = await client.discover({ vm_name: each, source: spec }, signal);
      vms.push({ name: each, disks: found.disks, warnings: found.warnings, error: null });
    } catch (error) {
      // One VM whose disks are gone hides no other; a node that does not work is told once.
      if (vm !== undefined || !(error instanceof SendenseError) || error.code.startsWith('node.')) throw error;
      vms.push({ name: each, disks: [], warnings: [], error: errorToJson(error) });
    }
  }
  const subject = { name: vm ?? '', distinction: null, source: name, node, vsphere: null };
  const file = plan ? await writePlan({ ...subject, owners: await ownersIn(services) }, plan) : null;
  return { version: 1, type: 'image', source: name, node, vms, warnings: [], plan_file: file };
}

const noVm = (source: string, wanted: string, known: readonly string[]): SendenseError =>
  new SendenseError('source.missing', `source ${source} has no VM ${wanted}${meant(wanted, known)}`, {
    remedy: `See \`sendense-run discover ${source}\`.`,
  });

function meant(wanted: string, known: readonly string[]): string {
  const near = didYouMean(wanted, known);
  return near === null ? '' : `; did you mean ${near}?`;
}
