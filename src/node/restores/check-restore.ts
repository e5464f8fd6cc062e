import type { NewVm, RestoreChecked, RestoreCheckRequest } from '../../schemas/types.ts';
import { wholeDisks } from '../vsphere/new-vm/disk-notes.ts';
import { wholeIn } from '../vsphere/new-vm/give-disk.ts';
import { judgePlace, type Fitting } from '../vsphere/new-vm/judge-place.ts';
import type { MarkedVm } from '../vsphere/new-vm/marked-vm.ts';
import { unfinishedNamed } from '../vsphere/new-vm/marked-vms.ts';
import { findPlace } from '../vsphere/new-vm/place.ts';
import { touchedBy } from '../vsphere/new-vm/untouched.ts';
import type { WantedVm } from '../vsphere/new-vm/wanted-vm.ts';
import { chooseWriteWay, saidOf } from '../vsphere/new-vm/write-way.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import type { Vsphere } from '../vsphere/vsphere.ts';
import { optionalText } from '../vsphere/xml.ts';
import { askedPlace, askedThickness, askedVm, digestOfAsked } from './asked-vm.ts';
import { openSession } from './vsphere-session.ts';

/**
 * Finds out all that speaks against a new VM, and says what it would be. Nothing is made.
 * @throws SendenseError `target.unfit`, `transport.unavailable`, `vsphere.*`
 */
export async function checkRestore(
  request: RestoreCheckRequest,
  refused: RefusedLogins,
  signal: AbortSignal,
): Promise<RestoreChecked> {
  const { vm: asked, judged = false } = request;
  const vm = askedVm(asked);
  await using session = await openSession(request, refused, signal);
  const { vsphere } = session;
  const wanted = askedPlace(asked);
  const place = await findPlace(vsphere, wanted, signal);
  const thickness = askedThickness(asked);
  const how = { place, wanted, disks: vm.disks, used: thickness.used };
  const way = await chooseWriteWay(vsphere, { spec: session.spec, signal }, how);
  const unfinished = await unfinishedNamed(vsphere, place.folder, wanted.name, signal);
  const run = unfinished?.mark.run ?? asked.run;
  // The hub has it removed first: no disk is worth going on with.
  const isReplaced = run !== asked.run && unfinished !== null && wholeIn(unfinished) === 0;
  const given = { vm, wanted, place, run, isReplaced, judged, by: way.name, ...thickness };
  const fitting = await judgePlace(vsphere, given, signal);
  const original = await originalOf(vsphere, asked, signal);
  const touched = unfinished && (await touchedBy(vsphere, unfinished, signal));
  return {
    ...described(vm, fitting, asked, macOf(asked, original)),
    original,
    disks_go: saidOf(way),
    left_out: [...vm.leftOut],
    unfinished: unfinished && unfinishedFacts(unfinished, touched?.why ?? null, asked),
  };
}

/** Two machines with one address are a broken network. */
export const macOf = ({ mac }: NewVm, original: string | null): 'keep' | 'new' =>
  mac ?? (original === null ? 'keep' : 'new');

/** Name of the VM that the configuration was saved of; null: the inventory does not have it. */
export async function originalOf(vsphere: Vsphere, { vm_config: config }: NewVm, signal?: AbortSignal) {
  const { instance_uuid: uuid } = config;
  // Nobody knows whether it is there.
  if (uuid === null) return config.name;
  const all = await vsphere.all('VirtualMachine', ['name', 'config.instanceUuid'], signal ? { signal } : {});
  const found = all.find(
    ({ values }) => optionalText(values.get('config.instanceUuid'))?.toLowerCase() === uuid.toLowerCase(),
  );
  return found ? (optionalText(found.values.get('name')) ?? found.object.value) : null;
}

function described(
  vm: WantedVm,
  fitting: Fitting,
  { connect, thin }: NewVm,
  mac: 'keep' | 'new',
): Pick<RestoreChecked, 'mac' | 'hardware_version' | 'disks' | 'networks'> {
  return {
    mac,
    hardware_version: `vmx-${vm.hardwareVersion}`,
    disks: vm.disks.map((disk) => ({
      key: String(disk.key),
      label: disk.label,
      datastore: fitting.datastoreOf(disk).name,
      thin: thin ?? disk.thin,
    })),
    networks: vm.cards.map((card) => ({
      label: card.label,
      network: fitting.networkOf(card).name,
      mac: mac === 'keep' ? card.mac : null,
      connected: connect && card.startConnected,
    })),
  };
}

const unfinishedFacts = (
  { object, mark, notes }: MarkedVm,
  touched: string | null,
  asked: NewVm,
): NonNullable<RestoreChecked['unfinished']> => ({
  run: mark.run,
  point: mark.point,
  vm: object.value,
  copied: [...(notes ? wholeDisks(notes) : [])].map(String),
  same: mark.point === asked.point && notes?.asked === digestOfAsked(asked),
  touched,
});
