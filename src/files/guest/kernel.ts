import { closeSync, constants, fsyncSync, mkdirSync, openSync, statfsSync } from 'node:fs';
import type { Volume } from '../protocol.ts';
import { membersOf, piecesOf } from './device-map.ts';
import { devicesOf, type Device } from './devices.ts';
import { fileSystems, otherContents, type FileSystem } from './file-systems.ts';
import { KernelLog } from './kernel-log.ts';
import { activateLvm, assembleArrays, openLuks, type Made } from './layers.ts';
import { loadModules } from './modules.ts';
import type { Layout, Platform } from './platform.ts';
import { run } from './programs.ts';
import { shownRoot } from './tree.ts';
import { warmUp } from './warm-up.ts';

/** The guest's own kernel opens what is on the disks. */
export const kernelPlatform: Platform = {
  begin: () => loadModules('dm-mod', 'fuse'),
  warmUp,
  devicesOf,
  stateOf: (type) =>
    Object.hasOwn(fileSystems, type)
      ? { state: 'readable', why: null }
      : Object.hasOwn(otherContents, type)
        ? (otherContents[type] ?? null)
        : null,
  layers: [
    { type: 'linux_raid_member', make: assembleArrays },
    { type: 'LVM2_member', make: activateLvm },
    { type: 'btrfs', make: scanBtrfs },
  ],
  places: { piecesOf, membersOf },
  openLuks,

  async open(volume, device, number) {
    const kind = fileSystems[volume.type ?? ''];
    if (!kind) return { volume, root: null, archive: noMeans, details: null, layout: async () => null };
    const root = kind.linksFromRoot ? shownRoot(number) : `/mnt/${number}`;
    mkdirSync(root, { recursive: true });
    await loadModules(...(kind.modules ?? []));
    const { volume: seen, kernel } = await mount(volume, device.path, kind, root);
    const isChanged = kernel.some((line) => kind.unwritten?.test(line));
    const isPlain = seen.type === 'ext4' && seen.journal === 'clean' && !isChanged;
    return {
      volume: seen,
      root: seen.state === 'readable' ? root : null,
      archive: { device: isPlain ? device.path : null, knowsHoles: true },
      details: null,
      layout: () => layoutOf(kind, device, isChanged),
    };
  },
};

const noMeans = { device: null, knowsHoles: true };

/** Nothing of a file system can become a device, a program or another user. */
const guards = 'nodev,nosuid,noexec';

async function layoutOf({ extents }: FileSystem, device: Device, isChanged: boolean): Promise<Layout | null> {
  if (extents === undefined) return null;
  if (extents === 'holes' || isChanged) return { pieces: null };
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
async function scanBtrfs(paths: readonly string[]): Promise<Made> {
  if (paths.length > 1) await run('btrfs', ['device', 'scan', ...paths]);
  return { devices: [], notes: new Map() };
}
