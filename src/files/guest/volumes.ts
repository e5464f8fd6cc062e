import { closeSync, constants, fsyncSync, mkdirSync, openSync, statfsSync } from 'node:fs';
import type { PluggedDisk, Volume } from '../protocol.ts';
import { piecesOf, type Piece } from './device-map.ts';
import { devicesOf, type Device } from './devices.ts';
import { fileSystems, otherContents, type FileSystem } from './file-systems.ts';
import { GuestError } from './guest-error.ts';
import { KernelLog } from './kernel-log.ts';
import { activateLvm, assembleArrays, openLuks, type Made } from './layers.ts';
import { loadModules } from './modules.ts';
import { run } from './programs.ts';
import { recognise } from './recognise.ts';
import { shownRoot } from './tree.ts';

/** Where the content of a volume's files is. */
export interface Layout {
  /** Null: only the guest can read it. */
  readonly pieces: readonly Piece[] | null;
}

interface Known {
  device: Device;
  volume: Volume;
  /** Where it is mounted. */
  root: string | null;
  opening: Promise<void> | null;
  /** Null: its file system has no list of extents. */
  layout: Promise<Layout | null> | null;
  /** Its kernel code has changed files, and not all of that need be on the device. */
  isChanged: boolean;
}

/** What is on the disks of the restore point. */
export class Volumes {
  readonly #known = new Map<string, Known>();
  readonly #assembled = new Set<string>();

  get all(): Volume[] {
    return [...this.#known.values()].map(({ volume }) => volume);
  }

  async plug(disks: readonly PluggedDisk[]): Promise<Volume[]> {
    await this.#add(await devicesOf(disks));
    return this.all;
  }

  /** Its root, mounted by now. */
  async rootOf(id: string): Promise<string> {
    const known = this.#one(id);
    await (known.opening ??= this.#open(known));
    if (known.root === null)
      throw new GuestError(
        known.volume.state === 'encrypted' ? 'locked' : known.volume.state === 'damaged' ? 'damaged' : 'type',
        `${id} cannot be read: ${known.volume.why}`,
      );
    return known.root;
  }

  async open(id: string): Promise<Volume> {
    const known = this.#one(id);
    if (known.volume.state === 'readable') await this.rootOf(id).catch(() => undefined);
    return known.volume;
  }

  /** Of a volume that is open. */
  async layoutOf(id: string): Promise<Layout | null> {
    const known = this.#one(id);
    return await (known.layout ??= layoutOf(known));
  }

  /** The device of an ext4 whose blocks are all on it: what is there is what the kernel reads. */
  plainDeviceOf(id: string): string | null {
    const { volume, device, root, isChanged } = this.#one(id);
    return volume.type === 'ext4' && volume.journal === 'clean' && root !== null && !isChanged ? device.path : null;
  }

  async unlock(id: string, passphrase: string): Promise<Volume[]> {
    const known = this.#one(id);
    if (known.volume.type !== 'crypto_LUKS')
      throw new GuestError(
        'type',
        `${id} takes no passphrase: ${known.volume.why ?? known.volume.type ?? 'nothing is on it'}`,
      );
    await this.#add([await openLuks(known.device, passphrase)]);
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
      if (!content || content.isTable) continue;
      const { type, label, uuid } = content;
      const volume: Volume = {
        id: device.id,
        type,
        bytes: device.bytes,
        label,
        uuid,
        ...stateOf(type, content.isAmbivalent, device.note),
        used: null,
        journal: null,
        notes: device.note === null ? [] : [device.note],
      };
      this.#known.set(device.id, { device, volume, root: null, opening: null, layout: null, isChanged: false });
    }
    await this.#addMade('linux_raid_member', assembleArrays);
    await this.#addMade('LVM2_member', activateLvm);
    await scanBtrfs(
      [...this.#known.values()].filter(({ volume }) => volume.type === 'btrfs').map(({ device }) => device.path),
    );
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
    const kind = fileSystems[known.volume.type ?? ''];
    if (!kind) return;
    const number = `${this.#known.size}-${[...this.#known.values()].indexOf(known)}`;
    const root = kind.linksFromRoot ? shownRoot(number) : `/mnt/${number}`;
    mkdirSync(root, { recursive: true });
    await loadModules(...(kind.modules ?? []));
    const { volume, kernel } = await mount(known.volume, known.device.path, kind, root);
    known.volume = volume;
    known.isChanged = kernel.some((line) => kind.unwritten?.test(line));
    if (known.volume.state === 'readable') known.root = root;
  }
}

/** @param note what is wrong with the device itself */
function stateOf(type: string | null, isAmbivalent: boolean, note: string | null): Pick<Volume, 'state' | 'why'> {
  if (isAmbivalent) return { state: 'damaged', why: 'it has signatures of several file systems' };
  if (type === null && note !== null) return { state: 'damaged', why: note };
  if (type === null) return { state: 'empty', why: 'no file system was recognised' };
  if (Object.hasOwn(fileSystems, type)) return { state: 'readable', why: null };
  const other = Object.hasOwn(otherContents, type) ? otherContents[type] : undefined;
  return other ?? { state: 'unsupported', why: `${type}, which Sendense cannot read` };
}

/** Nothing of a file system can become a device, a program or another user. */
const guards = 'nodev,nosuid,noexec';

async function layoutOf({ volume, device, isChanged }: Known): Promise<Layout | null> {
  const kind = fileSystems[volume.type ?? '']?.extents;
  if (kind === undefined) return null;
  if (kind === 'holes' || isChanged) return { pieces: null };
  // What a replayed journal has written is in the overlay from now on.
  const file = openSync(device.path, constants.O_RDONLY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return { pieces: await piecesOf(device.path) };
}

interface Mounted {
  readonly volume: Volume;
  /** What the kernel said. */
  readonly kernel: readonly string[];
}

async function mount(volume: Volume, device: string, kind: FileSystem, root: string): Promise<Mounted> {
  using log = new KernelLog();
  const said: string[] = [];
  const seen = await mountLogged(volume, {
    device,
    kind,
    root,
    lines: () => {
      const lines = log.lines();
      said.push(...lines);
      return lines;
    },
  });
  return { volume: seen, kernel: said };
}

interface MountPlace {
  readonly device: string;
  readonly kind: FileSystem;
  readonly root: string;
  /** What the kernel said since the last call. */
  lines(): string[];
}

async function mountLogged(volume: Volume, { device, kind, root, lines }: MountPlace): Promise<Volume> {
  const tries: string[] = [];
  for (const options of kind.options) {
    const args = kind.program
      ? ['-o', `${options.with},${guards}`, device, root]
      : ['mount', '-t', kind.name ?? volume.type ?? '', '-o', `${options.with},${guards}`, device, root];
    const { status, said } = await run(kind.program ?? 'busybox', args);
    const kernel = lines();
    if (status === 127)
      return { ...volume, state: 'unsupported', why: `${kind.program} is missing: apt install ${kind.package}` };
    if (status !== 0) {
      tries.push(kernel.filter((line) => !/^\s*$/.test(line)).at(-1) ?? (said || `mount ended with ${status}`));
      continue;
    }
    const { bsize, blocks, bfree } = statfsSync(root);
    const left = (await kind.unsettled?.(device)) ?? null;
    return {
      ...volume,
      why: null,
      used: (blocks - bfree) * bsize,
      journal: left === null ? journalOf(kind, options.leavesOut, kernel) : 'skipped',
      notes: [
        ...volume.notes,
        ...(left === null ? [] : [left]),
        ...(options.leavesOut ? [`it was opened without ${options.leavesOut}, because: ${tries[0]}`] : []),
        ...(said !== '' && kind.program ? [said] : []),
      ],
    };
  }
  return { ...volume, state: 'damaged', why: tries[0] ?? 'it could not be opened' };
}

function journalOf(kind: FileSystem, leavesOut: string | undefined, kernel: readonly string[]): Volume['journal'] {
  if (!kind.hasJournal) return 'none';
  if (leavesOut !== undefined) return 'skipped';
  return kernel.some((line) => kind.replayed?.test(line)) ? 'replayed' : 'clean';
}

/** The kernel has to know all devices of a file system on several. */
async function scanBtrfs(paths: readonly string[]): Promise<void> {
  if (paths.length > 1) await run('btrfs', ['device', 'scan', ...paths]);
}
