import { SendenseError } from '../../errors/sendense-error.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import { measureImage } from '../../host/images/qemu-img.ts';
import { readVmConfig } from '../../machines/read-vm-config.ts';
import { shortText } from '../../machines/short-text.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import type { NewVm, VmConfig } from '../../schemas/types.ts';
import type { KeyedDisk } from '../target-hub.ts';
import type { RestoreRequest, ToOf } from '../target-kind.ts';
import { assertTools, isJudged } from './start-check.ts';
import type { VsphereClaim } from './vsphere-claim.ts';

/** What a node is asked to make, and of which disks. */
export interface WantedVm {
  readonly vm: NewVm;
  readonly disks: readonly KeyedDisk[];
  /** It is started at the end, and stopped again if it does not come up. */
  readonly isJudged?: boolean;
}

/**
 * The VM that a plan asks for. What the plan does not say is as it was.
 * @throws SendenseError `machine.unknown`, `target.unfit` with what is to be said, `repository.key`
 */
export async function wantedVm(
  { to, disks, from }: RestoreRequest<'vsphere'>,
  claim: Pick<VsphereClaim, 'run'>,
  signal: AbortSignal,
): Promise<WantedVm> {
  const { vm_config: saved, backup_id: point } = from.point();
  if (saved === null) throw nothingSaved();
  const keys = await from.keys();
  const config = await readVmConfig(saved, keys);
  if (isJudged(to)) assertTools(config);
  const keyed = disks.map((disk) => ({ key: keyOf(config, disk), disk }));
  const vm: NewVm = {
    run: claim.run,
    point,
    takes_over: null,
    vm_config: config,
    place: placeOf(to, config, keyed),
    disks: await sizesOf(keyed, keys, signal),
    mac: to.mac ?? null,
    identity: to.identity,
    connect: to.connect,
    thin: to.thin ?? null,
    without_tpm: to.withoutTpm,
  };
  return { vm, disks: keyed, isJudged: isJudged(to) };
}

/** How large the disks are, and how much of them holds data. @throws SendenseError `repository.key` */
export async function sizesOf(
  keyed: readonly KeyedDisk[],
  keys: Pick<ImageKeys, 'of'>,
  signal: AbortSignal,
): Promise<NewVm['disks']> {
  const sizes: NewVm['disks'] = [];
  for (const { key, disk } of keyed) {
    const image = await imageTarget(disk.file, { key: keys.of(disk) });
    const used = Math.min(disk.capacity_bytes, await measureImage(image, signal));
    sizes.push({ key, bytes: disk.capacity_bytes, used });
  }
  return sizes;
}

const nothingSaved = (): SendenseError =>
  new SendenseError(
    'machine.unknown',
    'no configuration of the VM was saved with this restore point, and a VM in vSphere is made of that',
    {
      remedy:
        'Restore it as an OVA file (`--to ova:FILE.ova --memory 4GiB --cpus 2`) and deploy that, or as disks (`--format vmdk-stream`).',
    },
  );

function keyOf(config: VmConfig, { disk, uuid }: KeyedDisk['disk']): string {
  const found = config.disks.filter((one) => one.in_restore_point && one.uuid !== null && one.uuid === uuid);
  const [only] = found;
  if (only && found.length === 1) return String(only.key);
  throw new SendenseError(
    'target.unfit',
    `the saved configuration of the VM does not say which of its disks ${disk} is`,
    { remedy: 'Restore this point as disks (`--format vmdk-stream`), or restore another one.' },
  );
}

function placeOf(to: ToOf<'vsphere'>, config: VmConfig, disks: readonly KeyedDisk[]): NewVm['place'] {
  assertNamesMeet(to, config, disks);
  const folder = to.folder ?? config.folder;
  if (folder === null) throw unsaid('folder', 'in which folder the VM was', '/DC1/vm/restored');
  const stores = new Map(disks.map(({ key, disk }) => [key, datastoreOf(to, config, key, disk.disk)] as const));
  const [home] = typeof to.datastore === 'object' ? Object.values(to.datastore) : stores.values();
  const datastore = typeof to.datastore === 'string' ? to.datastore : home;
  if (!datastore) throw unsaid('datastore', 'on which datastore the VM was', 'datastore1');
  return {
    name: to.name ?? config.name,
    folder,
    pool: to.pool ?? null,
    datastore,
    disks: Object.fromEntries([...stores].flatMap(([key, store]) => (store === null ? [] : [[key, store]]))),
    networks: networksOf(to, config),
  };
}

/** A name with a mistake in it would leave the card or the disk where it was, and say nothing. @throws SendenseError `target.unfit` */
function assertNamesMeet({ network, datastore }: ToOf<'vsphere'>, config: VmConfig, disks: readonly KeyedDisk[]): void {
  const known = new Set(config.networks.map(networkName));
  const stray = typeof network === 'object' ? Object.keys(network).find((name) => !known.has(name)) : undefined;
  if (stray !== undefined) {
    const there = [...known].map((name) => shortText(name)).join(', ');
    throw new SendenseError('target.unfit', `no network card of the VM was in ${shortText(stray)}`, {
      remedy:
        there === '' ? 'The VM had no network card: leave `network` (--network) out.' : `Its networks are: ${there}.`,
    });
  }
  const restored = disks.map(({ disk }) => disk.disk);
  const disk =
    typeof datastore === 'object' ? Object.keys(datastore).find((name) => !restored.includes(name)) : undefined;
  if (disk !== undefined)
    throw new SendenseError('target.unfit', `a datastore is named for ${disk}, which is not restored`, {
      remedy: `The disks that are restored are: ${restored.join(', ')}.`,
    });
}

/** Null: that of the VM. */
function datastoreOf({ datastore }: ToOf<'vsphere'>, config: VmConfig, key: string, disk: string): string | null {
  if (typeof datastore === 'string') return null;
  if (typeof datastore === 'object') return datastore[disk] ?? null;
  return config.disks.find((one) => String(one.key) === key)?.datastore ?? null;
}

/** What a network card is named by: its network, or itself if that was not saved. */
const networkName = ({ network, label }: VmConfig['networks'][number]): string => network ?? label;

function networksOf({ network = {} }: ToOf<'vsphere'>, { networks }: VmConfig): Record<string, string> {
  if (typeof network === 'object') return network;
  return Object.fromEntries(networks.map((card) => [networkName(card), network]));
}

const unsaid = (key: string, what: string, example: string): SendenseError =>
  new SendenseError('target.unfit', `the saved configuration does not say ${what}`, {
    remedy: `Name one: \`${key}: ${example}\` in the plan, or --${key} ${example}.`,
  });
