import { SendenseError } from '../../../errors/sendense-error.ts';
import { missingPrivileges, type Privilege } from '../privileges.ts';
import { restorePrivileges } from '../restore-privileges.ts';
import type { TransportName } from '../transports/transport.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { wholeDisks, type DiskNotes } from './disk-notes.ts';
import { childNamed, markedVm } from './marked-vms.ts';
import type { Datastore, Network, Place, WantedPlace } from './place.ts';
import type { WantedCard } from './wanted-cards.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

/** What everything of a new VM gets. */
export interface Fitting {
  readonly home: Datastore;
  readonly datastoreOf: (disk: WantedDisk) => Datastore;
  readonly networkOf: (card: WantedCard) => Network;
}

export interface Thickness {
  /** null: each disk as it was. */
  readonly thin: boolean | null;
  /** Bytes that hold data, by the key of the disk: what a thin disk will take. */
  readonly used: ReadonlyMap<number, number>;
}

/**
 * Finds all that speaks against a VM at a place before anything is made.
 * @throws SendenseError `target.unfit` with everything that is wrong, `vsphere.permission`, `vsphere.*`
 */
export async function judgePlace(
  vsphere: Vsphere,
  given: Thickness & {
    readonly vm: WantedVm;
    readonly wanted: WantedPlace;
    readonly place: Place;
    /** A VM that this run has made already has the name rightly, and space of its own. */
    readonly run: string;
    /** That VM is removed first, and made anew. */
    readonly isReplaced?: boolean;
    /** It will be started, and stopped again if it does not come up. */
    readonly judged?: boolean;
    /** What writes the disks. */
    readonly by: TransportName;
  },
  signal?: AbortSignal,
): Promise<Fitting> {
  const { vm, wanted, place } = given;
  const wrong: string[] = [];
  const home = usable(place.datastores, wanted.datastore, 'datastore', wrong);
  const stores = new Map(
    vm.disks.map((disk) => [
      disk.key,
      usable(place.datastores, wanted.disks.get(disk.key) ?? wanted.datastore, 'datastore', wrong),
    ]),
  );
  const nets = new Map(vm.cards.map((card) => [card.key, networkFor(place, wanted, card, wrong)]));
  const made = await markedVm(vsphere, given.run, signal);
  const isMade = made !== null;
  const notes = made && !given.isReplaced ? made.notes : null;
  wrong.push(...tooFull(given, stores, notes), ...wrongHardware(vm, place), ...wrongName(wanted.name));
  const isTaken = !isMade && (await childNamed(vsphere, place.folder, wanted.name, signal)) !== undefined;
  if (isTaken) wrong.push(`there is ${JSON.stringify(wanted.name)} in ${wanted.folder} already`);
  if (wrong.length > 0 || !home)
    throw new SendenseError(
      'target.unfit',
      `the VM cannot be made at ${vsphere.host}: ${[...new Set(wrong)].join('; ')}`,
      isTaken ? { remedy: 'Give the new VM another name (`name`, --name), or put it into another folder.' } : {},
    );
  const places = { place, stores: [...stores.values()], nets: [...nets.values()] };
  await assertAllowed(vsphere, places, restorePrivileges([given.by], { judged: given.judged === true }), signal);
  const found = <T>(value: T | null | undefined): T => {
    if (value) return value;
    throw new SendenseError('run.internal', 'a device has no place');
  };
  return { home, datastoreOf: ({ key }) => found(stores.get(key)), networkOf: ({ key }) => found(nets.get(key)) };
}

interface Named {
  readonly name: string;
  readonly problem: string | null;
}

/** The one of a name. Names of networks need not be unique. */
function usable<T extends Named>(all: readonly T[], name: string, what: string, wrong: string[]): T | null {
  const found = all.filter((one) => one.name === name);
  const [only] = found;
  if (only && found.length === 1 && only.problem === null) return only;
  wrong.push(
    found.length > 1
      ? `there are ${found.length} of the name ${JSON.stringify(name)}`
      : only
        ? `the ${what} ${JSON.stringify(name)}: ${only.problem ?? ''}`
        : `there is no ${what} ${JSON.stringify(name)}, but ${
            all
              .map((one) => one.name)
              .slice(0, 10)
              .join(', ') || 'none at all'
          }`,
  );
  return null;
}

function networkFor(place: Place, { networks }: WantedPlace, card: WantedCard, wrong: string[]): Network | null {
  const name = networks.get(card.network ?? card.label) ?? card.network;
  if (name !== null) return usable(place.networks, name, 'network', wrong);
  wrong.push(
    `the network of ${card.label} is not saved: say which one it gets, under the name of the card (\`network: { ${JSON.stringify(card.label)}: NAME }\`)`,
  );
  return null;
}

/** `notes` of the VM that is made already; null: it is made anew. */
function tooFull(
  given: { readonly vm: WantedVm; readonly by: TransportName } & Thickness,
  stores: ReadonlyMap<number, Datastore | null>,
  notes: DiskNotes | null,
): string[] {
  const needed = new Map<Datastore, number>();
  for (const disk of given.vm.disks) {
    const store = stores.get(disk.key);
    if (store) needed.set(store, (needed.get(store) ?? 0) + neededBy(disk, given, notes));
  }
  return [...needed]
    .filter(([store, bytes]) => bytes > store.freeBytes)
    .map(
      ([{ name, freeBytes }, bytes]) =>
        `the datastore ${JSON.stringify(name)} has ${freeBytes} bytes free, ${bytes} are needed`,
    );
}

/**
 * Of a thin disk what holds data counts, of a thick one all of it. A thick one that is made has its space. A thin one that was begun and
 * is not whole may take all of its size: its holes are written, too. An import brings another disk, which then replaces that one.
 */
function neededBy(
  { key, thin: wasThin, bytes }: WantedDisk,
  { thin, used, by }: Thickness & { readonly by: TransportName },
  notes: DiskNotes | null,
): number {
  const isThin = thin ?? wasThin;
  const isImported = by === 'https';
  if (notes && (wholeDisks(notes).has(key) || (!isThin && !isImported))) return 0;
  return isThin && (isImported || !notes?.begun.has(key)) ? Math.min(used.get(key) ?? bytes, bytes) : bytes;
}

function wrongHardware({ hardwareVersion }: WantedVm, { hardware }: Place): string[] {
  if (hardware.length === 0 || hardware.includes(hardwareVersion)) return [];
  return [
    `the hardware version is vmx-${hardwareVersion}, and the hosts there make up to vmx-${Math.max(...hardware)}`,
  ];
}

/** vSphere writes these three characters as %2f, %5c, %25 in names. */
const wrongName = (name: string): string[] =>
  // oxlint-disable-next-line no-control-regex -- these are not allowed
  name !== '' && [...name].length <= 80 && !/[\u0000-\u001f\u007f/\\]|%(?!2f|5c|25)/i.test(name)
    ? []
    : [`${JSON.stringify(name)} is no name of a VM: up to 80 characters, and / \\ % only as %2f %5c %25`];

async function assertAllowed(
  vsphere: Vsphere,
  {
    place,
    stores,
    nets,
  }: {
    readonly place: Place;
    readonly stores: readonly (Datastore | null)[];
    readonly nets: readonly (Network | null)[];
  },
  needed: readonly Privilege[],
  signal?: AbortSignal,
): Promise<void> {
  const of = (pattern: RegExp): readonly Privilege[] => needed.filter(({ privilege }) => pattern.test(privilege));
  const objects = (all: readonly ({ readonly object: Moref } | null)[]): Moref[] => [
    ...new Map(all.flatMap((one) => (one ? [[one.object.value, one.object] as const] : []))).values(),
  ];
  const asked = [
    { on: [place.folder], what: of(/^(VirtualMachine|VApp)\./), name: 'the folder' },
    { on: [place.pool], what: of(/^(Resource|VApp)\./), name: 'the resource pool' },
    { on: objects(stores), what: of(/^Datastore\./), name: 'the datastores' },
    { on: objects(nets), what: of(/^Network\./), name: 'the networks' },
  ];
  const lacking: string[] = [];
  let user = '';
  for (const { on, what, name } of asked) {
    const told = await missingPrivileges(vsphere, on, what, signal);
    user = told.user || user;
    const names = new Set([...told.missing.values()].flat().map(({ privilege, why }) => `${privilege} (${why})`));
    if (names.size > 0) lacking.push(`on ${name}: ${[...names].join(', ')}`);
  }
  if (lacking.length > 0)
    throw new SendenseError('vsphere.permission', `the user ${user} lacks ${lacking.join('; ')}`, {
      remedy: 'Give the user the role for restores of docs/vsphere.md.',
    });
}
