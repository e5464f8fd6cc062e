import { mostRanges, type DiskRange, type PluggedDisk, type Volume } from '../protocol.ts';
import type { Device } from './devices.ts';
import { GuestError } from './guest-error.ts';
import type { Made } from './layers.ts';
import type { Layout, Opened, Platform } from './platform.ts';
import { recognise, type Content } from './recognise.ts';

interface Known {
  device: Device;
  volume: Volume;
  opened: Opened | null;
  opening: Promise<void> | null;
  layout: Promise<Layout | null> | null;
}

/** What is on the disks of the restore point. */
export class Volumes {
  readonly #known = new Map<string, Known>();
  readonly #assembled = new Set<string>();
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get all(): Volume[] {
    return [...this.#known.values()].map(({ volume }) => volume);
  }

  async plug(disks: readonly PluggedDisk[]): Promise<Volume[]> {
    await this.#add(await this.#platform.devicesOf(disks));
    return this.all;
  }

  /** Its root, mounted by now. */
  async rootOf(id: string): Promise<string> {
    const known = this.#one(id);
    await (known.opening ??= this.#open(known));
    const root = known.opened?.root ?? null;
    if (root === null)
      throw new GuestError(
        known.volume.state === 'encrypted' ? 'locked' : known.volume.state === 'damaged' ? 'damaged' : 'type',
        `${id} cannot be read: ${known.volume.why}`,
      );
    return root;
  }

  async open(id: string): Promise<Volume> {
    const known = this.#one(id);
    if (known.volume.state === 'readable') await this.rootOf(id).catch(() => undefined);
    return known.volume;
  }

  /** Of a volume that is open; null: its file system has no list of extents. */
  async layoutOf(id: string): Promise<Layout | null> {
    const known = this.#one(id);
    return await (known.layout ??= known.opened?.layout() ?? Promise.resolve(null));
  }

  /** Of a volume that is open. */
  openedOf(id: string): Opened | null {
    return this.#one(id).opened;
  }

  /** All parts of the disks that decide what it holds. Null: that is not known. */
  async rangesOf(id: string): Promise<readonly DiskRange[] | null> {
    const { volume, device } = this.#one(id);
    const { places } = this.#platform;
    const all = [...this.#known.values()];
    if (!places || volume.type === 'f2fs' || all.some((other) => outerJournals.has(other.volume.type ?? '')))
      return null;
    const own = volume.type === 'btrfs' ? all.filter((other) => isSame(other.volume, volume)) : [{ device }];
    const pieces = await Promise.all(own.map((one) => places.piecesOf(one.device.path)));
    // What LVM and RAID say of what lies where can be on any of their devices.
    const parts = all.filter((other) => other.volume.state === 'part');
    const ranges = pieces.includes(null)
      ? places.membersOf([...own, ...parts].map((one) => one.device.path))
      : pieces.flatMap((one) => (one ?? []).map(({ slot, offset, bytes }): DiskRange => [slot, offset, bytes]));
    return ranges === null || ranges.length > mostRanges ? null : ranges;
  }

  async unlock(id: string, passphrase: string): Promise<Volume[]> {
    const known = this.#one(id);
    if (known.volume.type !== 'crypto_LUKS')
      throw new GuestError(
        'type',
        `${id} takes no passphrase: ${known.volume.why ?? known.volume.type ?? 'nothing is on it'}`,
      );
    await this.#add([await this.#platform.openLuks(known.device, passphrase)]);
    return this.all;
  }

  #one(id: string): Known {
    const known = this.#known.get(id);
    if (!known) throw new GuestError('volume', `there is no volume ${id}`);
    return known;
  }

  /** Finds out what is on new devices, and what that makes devices of. */
  async #add(devices: readonly Device[]): Promise<void> {
    const contents = await recognise(devices.map(({ path }) => path));
    for (const device of devices) {
      const content = contents.get(device.path);
      if (!content) continue;
      const { type, label, uuid } = content;
      const volume: Volume = {
        id: device.id,
        type,
        bytes: device.bytes,
        label,
        uuid,
        ...this.#stateOf(content, device.note),
        used: null,
        journal: null,
        notes: device.note === null ? [] : [device.note],
      };
      this.#known.set(device.id, { device, volume, opened: null, opening: null, layout: null });
    }
    for (const { type, make } of this.#platform.layers) await this.#addMade(type, make);
  }

  /** Arrays and groups are looked for among all their members whenever there is a new one. */
  async #addMade(type: string, make: (paths: readonly string[]) => Promise<Made>): Promise<void> {
    const members = [...this.#known.values()].filter(({ volume }) => volume.type === type);
    const paths = members.map(({ device }) => device.path);
    if (paths.every((path) => this.#assembled.has(path))) return;
    for (const path of paths) this.#assembled.add(path);
    const { devices, notes } = await make(paths);
    for (const member of members) {
      const note = notes.get(member.device.path);
      if (note !== undefined) member.volume = { ...member.volume, state: 'damaged', why: note };
    }
    const fresh = devices.filter(({ id }) => !this.#known.has(id));
    if (fresh.length > 0) await this.#add(fresh);
  }

  async #open(known: Known): Promise<void> {
    if (known.volume.state !== 'readable') return;
    const number = `${this.#known.size}-${[...this.#known.values()].indexOf(known)}`;
    known.opened = await this.#platform.open(known.volume, known.device, number);
    known.volume = known.opened.volume;
  }

  /** @param note what is wrong with the device itself */
  #stateOf({ type, isAmbivalent, isTable }: Content, note: string | null): Pick<Volume, 'state' | 'why'> {
    if (isAmbivalent) return { state: 'damaged', why: 'it has signatures of several file systems' };
    if (type === null && note !== null) return { state: 'damaged', why: note };
    if (isTable) return { state: 'empty', why: 'a partition table without partitions that can be read' };
    if (type === null) return { state: 'empty', why: 'no file system was recognised' };
    return this.#platform.stateOf(type) ?? { state: 'unsupported', why: `${type}, which Sendense cannot read` };
  }
}

/** Journals of file systems that are on another device, as blkid calls them: nobody here says of which. */
const outerJournals = new Set(['jbd', 'xfs_external_log', 'reiserfs_journal']);

/** Of the file system on several devices that is opened by one of them. */
const isSame = (a: Volume, b: Volume): boolean => a.type === b.type && a.uuid === b.uuid;
