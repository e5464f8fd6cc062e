import { mkdirSync, statfsSync } from 'node:fs';
import type { Volume } from '../../protocol.ts';
import { InodeDetails } from '../ext/inode-details.ts';
import { fileSystems, otherContents } from '../file-systems.ts';
import { GuestError } from '../guest-error.ts';
import type { Device } from '../devices.ts';
import type { Opened, Platform } from '../platform.ts';
import { run } from '../programs.ts';
import { shownRoot } from '../tree.ts';
import { DiskFiles } from './disk-files.ts';
import { programFileSystems, type Journal, type ProgramFileSystem } from './program-file-systems.ts';

const files = new DiskFiles();

/** What reads more. */
const wayOut = 'the reader `uml` can: apt install user-mode-linux, on x86-64';

/** Programs open what is on the disks, one process for each volume. */
export const programsPlatform: Platform = {
  begin: async () => undefined,
  warmUp: async () => undefined,
  devicesOf: (disks) => files.devicesOf(disks),
  layers: [],
  places: null,

  stateOf(type) {
    if (Object.hasOwn(programFileSystems, type)) return { state: 'readable', why: null };
    if (Object.hasOwn(fileSystems, type)) return unsupported(`${type} takes a kernel`);
    const other = Object.hasOwn(otherContents, type) ? otherContents[type] : undefined;
    if (other?.state === 'part' || type === 'crypto_LUKS')
      return unsupported(`${other?.why.replace(/: .*/, '')}, which takes a kernel`);
    return other ?? null;
  },

  openLuks({ id }) {
    throw new GuestError('type', `${id} cannot be opened here; ${wayOut}`);
  },

  async open(volume, device, number) {
    const kind = programFileSystems[volume.type ?? ''];
    return kind ? await open(volume, device, { kind, number }) : unopened(volume);
  },
};

const unsupported = (what: string): Pick<Volume, 'state' | 'why'> => ({
  state: 'unsupported',
  why: `${what}; ${wayOut}`,
});

const unopened = (volume: Volume): Opened => ({
  volume,
  root: null,
  archive: { device: null, knowsHoles: false },
  details: null,
  layout: async () => null,
});

interface Way {
  readonly kind: ProgramFileSystem;
  /** Of the volume. */
  readonly number: string;
}

async function open(volume: Volume, device: Device, { kind, number }: Way): Promise<Opened> {
  const damage = kind.damage?.(device.path, files.bytesOf(device.path)) ?? null;
  if (damage !== null) return unopened({ ...volume, state: 'damaged', why: damage });
  const journal = await kind.journal(device.path, () => files.writable(device.path, volume.bytes));
  const path = journal.device ?? device.path;
  const root = kind.linksFromRoot ? shownRoot(number) : `/mnt/${number}`;
  const seen = await mount(volume, { kind, journal, path, root });
  if (seen.state !== 'readable') return unopened(seen);
  const details = kind.hasInodes ? detailsOn(path) : null;
  const lost = kind.hasInodes && !details ? [lostDetails] : [];
  return {
    ...unopened({ ...seen, notes: [...seen.notes, ...lost] }),
    root,
    archive: { device: seen.type === 'ext4' ? path : null, knowsHoles: false },
    details,
  };
}

const lostDetails = 'owners, parts of a second, access control lists and some attributes cannot be told here';

function detailsOn(path: string): InodeDetails | null {
  try {
    return new InodeDetails(path);
  } catch {
    return null;
  }
}

interface MountPlace {
  readonly kind: ProgramFileSystem;
  readonly journal: Journal;
  readonly path: string;
  readonly root: string;
}

/** Nothing of a file system can become a device, a program or another user. */
const guards = 'nodev,nosuid,noexec';

/** A program takes no more memory, bytes. */
const memoryBytes = 2 * 2 ** 30;

async function mount(volume: Volume, { kind, journal, path, root }: MountPlace): Promise<Volume> {
  const { program, options, lost } = kind;
  mkdirSync(root, { recursive: true });
  const limited = [`--as=${memoryBytes}`, '--core=0', '--', program];
  const { status, said } = await run('prlimit', [...limited, '-o', `${options},${guards}`, path, root]);
  if (status === 127)
    return { ...volume, state: 'unsupported', why: `${program} is missing: apt install ${kind.package}` };
  if (status !== 0) return { ...volume, state: 'damaged', why: said || `${program} ended with ${status}` };
  try {
    const { bsize, blocks, bfree } = statfsSync(root);
    const notes = [...volume.notes, ...journal.notes, ...lost];
    return { ...volume, why: null, used: (blocks - bfree) * bsize, journal: journal.state, notes };
  } catch (error) {
    return { ...volume, state: 'damaged', why: `${program} ended: ${said || (error as Error).message}` };
  }
}
