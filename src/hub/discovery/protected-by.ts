import { nameFrom } from '../../plan/names.ts';
import type { DiscoverOutput, HubDiscoveredVm, HubVm } from '../../schemas/types.ts';
import { formatBytes, plural } from '../../view/format.ts';

/** What the hub knows of VMs. */
export interface KnownVms {
  readonly vms: readonly Pick<HubVm, 'vm' | 'plans' | 'points'>[];
  /** Names of VMs, by the identity that their source gives them. */
  readonly identities: ReadonlyMap<string, string>;
}

type Found = Omit<HubDiscoveredVm, 'plans' | 'vm' | 'reason'> & { readonly identity: string | null };

/** The VMs of a source, and which plans back them up: those that none does first, then by name. */
export function protectedBy(output: DiscoverOutput, known: KnownVms): HubDiscoveredVm[] {
  const byName = new Map(known.vms.map((vm) => [vm.vm, vm]));
  const owned = new Map([...known.identities].map(([identity, vm]) => [vm, identity]));
  const nameOf = ({ name, identity }: Found): string | null => {
    const own = identity === null ? undefined : known.identities.get(identity);
    if (own !== undefined) return own;
    const named = [name, nameFrom(name)].find((one) => byName.has(one));
    // What has its name, and is known to be another VM, is not it.
    return named === undefined || (identity !== null && owned.has(named)) ? null : named;
  };
  return foundIn(output)
    .map((found): HubDiscoveredVm => {
      const { identity: _identity, ...facts } = found;
      const vm = nameOf(found);
      const of = vm === null ? undefined : byName.get(vm);
      const plans = of?.plans ?? [];
      return { ...facts, vm, plans, reason: plans.length > 0 ? null : reasonOf(facts, of?.points ?? 0) };
    })
    .toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Those that run and that no plan backs up need somebody most. */
const rank = ({ plans, template, power }: HubDiscoveredVm): number =>
  plans.length > 0 ? 3 : template ? 2 : power === 'poweredOn' ? 0 : 1;

const powers = { poweredOn: 'runs', poweredOff: 'is powered off', suspended: 'is suspended' } as const;

function reasonOf(vm: Omit<Found, 'identity'>, points: number): string {
  if (vm.template) return 'No plan backs it up. It is a template: it changes seldom.';
  const size = `${plural(vm.disks, 'disk')}, ${formatBytes(vm.capacity_bytes)}`;
  const state = vm.power === 'unknown' ? `It has ${size}.` : `It ${powers[vm.power]} and has ${size}.`;
  return points > 0
    ? `No plan makes new restore points of it; it has ${points} of before. ${state}`
    : `No plan backs it up, and it has no restore point. ${state}`;
}

type Of<Type extends DiscoverOutput['type']> = Extract<DiscoverOutput, { type: Type }>;

const foundBy: { readonly [Type in DiscoverOutput['type']]: (output: Of<Type>) => Found[] } = {
  image: ({ vms }) =>
    vms.map(({ name, disks, warnings, error }) => ({
      name,
      path: null,
      id: null,
      identity: null,
      power: 'unknown',
      template: false,
      guest: null,
      disks: disks.length,
      capacity_bytes: disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0),
      findings: [...(error ? [error.message] : []), ...warnings],
      stopped: error !== null,
    })),
  vsphere: ({ vms }) =>
    vms.map((vm) => ({
      name: vm.name,
      path: vm.path,
      id: vm.moref,
      identity: vm.instance_uuid,
      power: vm.power_state,
      template: vm.template,
      guest: vm.guest,
      disks: vm.disks.length,
      capacity_bytes: vm.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0),
      findings: vm.findings.map(({ message }) => message),
      stopped: vm.findings.some(({ level }) => level === 'stops'),
    })),
};

function foundIn<Type extends DiscoverOutput['type']>(output: Of<Type> & { readonly type: Type }): Found[] {
  return foundBy[output.type](output);
}
