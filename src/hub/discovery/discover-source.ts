import { SendenseError } from '../../errors/sendense-error.ts';
import { nameFrom } from '../../plan/names.ts';
import { knownVms } from '../../restore-points/choose/known-vms.ts';
import type { DiscoverOutput } from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import { meant } from '../../sources/no-vm.ts';
import type { FoundVm } from '../../sources/source-kind.ts';
import { askedSource } from '../../steps/at-node/asked-source.ts';
import type { Services } from '../../steps/services.ts';
import type { PlanSubject, PlanTarget, WrittenPlan } from './write-plan.ts';

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

/** Makes a plan, see `write-plan.ts`. */
export type WritePlan = (subject: PlanSubject, target: PlanTarget) => Promise<WrittenPlan>;

/** The VMs of a source as a node sees them. @throws SendenseError `source.missing`, `usage`, and what the node says */
export async function discoverSource(
  services: Services,
  options: DiscoverRequestOptions,
  writePlan: WritePlan,
): Promise<DiscoverOutput> {
  if (options.plan && options.vm === undefined)
    throw new SendenseError('usage', 'a plan is made for one VM', { remedy: 'Name the VM: --vm VM.' });
  const { sources } = services.settings;
  const source = sources[options.source];
  if (!source)
    throw new SendenseError(
      'source.missing',
      `sendense.yaml has no source ${options.source}; it has ${Object.keys(sources).join(', ') || 'none'}${meant(options.source, Object.keys(sources))}`,
      { remedy: 'Name one of `sources` in sendense.yaml.' },
    );
  const { source: name, vm, folder, node = 'local', plan, signal } = options;
  const client = await services.node(node);
  const asked = askedSource(services, { name, settings: source, node: async () => client }, signal);
  const { output, one, others } = await kindOf(source).discover(asked, { vm, folder, node });
  const written =
    one && plan ? await writePlan(await subjectOf(one, others, services, { source: name, node }), plan) : null;
  return { ...output, ...(written ?? { plan_file: null }) } as DiscoverOutput;
}

async function subjectOf(
  vm: FoundVm,
  others: readonly string[],
  services: Services,
  about: Pick<PlanSubject, 'source' | 'node'>,
): Promise<PlanSubject> {
  // Two VMs of one name would be one in the repository.
  const alike = others.some((other) => nameFrom(other) === nameFrom(vm.name));
  return { ...about, vm, alike, owners: await ownersIn(services) };
}

/** Of the repository that a plan which is written names. */
async function ownersIn(services: Services): Promise<PlanSubject['owners']> {
  const [repository] = Object.keys(services.settings.repositories);
  const known = repository === undefined ? [] : await knownVms(services, repository);
  return new Map(known.map(({ context, identity }) => [context, identity]));
}
