import { chmod, mkdir, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, freeBytes, fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import { pinFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import {
  convertArgs,
  convertImage,
  createOverlay,
  createOverlayArgs,
  measureImage,
  type ConvertOptions,
} from '../../host/images/qemu-img.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import type { RestoreWriteInput, RestoreWriteOutput } from '../../schemas/types.ts';
import type { RunFacts, StepContext } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { beginParts, removeParts } from './part-folder.ts';

interface Target {
  readonly disk: string;
  /** Absolute; bears the run's id, so that it is ours. */
  readonly temporary: string;
  readonly file: string;
}

interface Claim {
  readonly directory: string;
  /** Absolute, in `directory`: others may be able to write there, and only this user can write here. Not in claims of earlier versions. */
  readonly parts?: string;
  readonly targets: readonly Target[];
}

const claimOf = (
  input: RestoreWriteInput,
  { runId, stepId, planFolder }: Pick<RunFacts, 'runId' | 'stepId' | 'planFolder'>,
): Claim & { readonly parts: string } => {
  const directory = resolve(planFolder, input.to.directory);
  const parts = join(directory, `.${runId}.${stepId}.sendense-part`);
  return {
    directory,
    parts,
    targets: input.disks.map(({ disk }) => ({
      disk,
      temporary: join(parts, `${disk}.${runId}.sendense-part`),
      file: join(directory, `${disk}.${input.to.format}`),
    })),
  };
};

const namesOf = ({ targets }: Claim): string[] => targets.map(({ temporary }) => basename(temporary));

export const restoreWrite = defineStep<RestoreWriteInput, Claim, RestoreWriteOutput>({
  uses: 'restore.write',
  title: 'Write the disks',
  claim: claimOf,

  async plan(context, input) {
    const { services } = context;
    const claim = claimOf(input, context);
    await assertNothingThere(claim);
    await assertApart(services.repositoryPath(input.repository), claim.directory);
    const keys = await services.imageKeys(input.repository);
    const argv = await Promise.all(claim.targets.map((target, index) => argvFor(input, index, target, keys)));
    return {
      effects: claim.targets.map((target, index) => ({
        action: 'create',
        target: target.file,
        detail: input.to.thin ? 'overlay on the repository' : 'a copy of its own',
        argv: argv[index] ?? null,
      })),
      output: {
        directory: claim.directory,
        files: claim.targets.map((target) => ({ ...target, format: input.to.format, bytes_written: 0 })),
      },
    };
  },

  async run(context, input, claim) {
    await assertNothingThere(claim);
    await assertApart(context.services.repositoryPath(input.repository), claim.directory);
    await assertFits(context, input, claim);
    await makeDirectory(context, claim.directory);
    await using directory = await pinFolder(claim.directory);
    // Again, where it leads to now: from here on it is this very folder.
    await assertApart(context.services.repositoryPath(input.repository), await realpath(directory.path));
    const folder = claim.parts ?? claimOf(input, context).parts;
    await using parts = await beginParts(directory, folder, namesOf(claim));
    const files: RestoreWriteOutput['files'] = [];
    for (const [index, target] of claim.targets.entries()) {
      const part = `${parts.path}/${basename(target.temporary)}`;
      await write(context, input, index, target, parts);
      await chmod(part, 0o600);
      await fsyncFile(part);
      files.push({ ...target, format: input.to.format, bytes_written: await bytesWritten(input, index, part) });
    }
    await fsyncFolder(parts.path);
    return { directory: claim.directory, files };
  },

  async undo({ remembered }, claim) {
    if (claim.parts === undefined) for (const target of claim.targets) await rm(target.temporary, { force: true });
    else await removeParts(claim.parts, namesOf(claim));
    await removeMadeFolders(claim.directory, remembered['firstMade']);
  },
});

/** Of a copy the whole disk, whatever holes it has; of an overlay what it takes, for the disk stays in the repository. */
const bytesWritten = async (input: RestoreWriteInput, index: number, part: string): Promise<number> =>
  input.to.thin ? (await stat(part)).size : (input.disks[index]?.capacity_bytes ?? 0);

async function assertNothingThere(claim: Claim): Promise<void> {
  for (const { file } of claim.targets) {
    if (await exists(file)) throw new SendenseError('file.exists', `${file} exists already`);
  }
}

/**
 * Before anything is written: a restore that ends at a full disk has cost hours. What is compressed takes nobody knows how much.
 * @throws SendenseError `disk.full`
 */
async function assertFits(
  { services, signal, log }: StepContext<Services>,
  input: RestoreWriteInput,
  { directory }: Claim,
): Promise<void> {
  if (input.to.thin || streamOptimized(input)) return;
  let there = directory;
  while (!(await exists(there))) there = dirname(there);
  const free = await freeBytes(there);
  // Known at once, and nearly always enough.
  if (input.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0) <= free) return;
  const keys = await services.imageKeys(input.repository);
  let needed = 0;
  for (const disk of input.disks)
    needed += await measureImage(await imageTarget(disk.file, { key: keys.of(disk) }), signal);
  log(`the disks hold ${sizeText(needed)}, ${sizeText(free)} are free at ${there}`);
  if (needed <= free) return;
  throw new SendenseError(
    'disk.full',
    `the disks need ${sizeText(needed)} (${needed} bytes) at ${directory}, ${sizeText(free)} (${free} bytes) are free; nothing was written`,
    {
      remedy:
        'Make space, choose another directory, restore fewer disks (--disk), or look into them with --format qcow2 --thin.',
    },
  );
}

/** A restore never writes into the repository. */
async function assertApart(repository: string, directory: string): Promise<void> {
  let there = directory;
  while (!(await exists(there))) there = dirname(there);
  const real = await realpath(repository).catch(() => repository);
  const inside = `${await realpath(there)}/`.startsWith(`${real}/`);
  if (inside || `${directory}/`.startsWith(`${repository}/`)) {
    throw new SendenseError('file.exists', `${directory} lies inside the repository ${repository}`, {
      remedy: 'Choose a directory outside of the repository.',
    });
  }
}

/** Remembers the topmost folder that it will make, before it makes it, so that undo removes exactly these. */
async function makeDirectory(context: StepContext<Services>, directory: string): Promise<void> {
  let firstMade: string | null = null;
  for (let folder = directory; !(await exists(folder)); folder = dirname(folder)) firstMade = folder;
  if (firstMade !== null) context.remember('firstMade', firstMade);
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

/** Only folders that are empty. */
async function removeMadeFolders(directory: string, firstMade: unknown): Promise<void> {
  if (typeof firstMade !== 'string') return;
  for (let folder = directory; folder.length >= firstMade.length; folder = dirname(folder)) {
    const names = await readdir(folder).catch(() => null);
    if (names === null) continue;
    if (names.length > 0) return;
    await rmdir(folder);
  }
}

/** zlib-compressed, in one stream, as OVF wants it: must be written in order. */
const streamOptimized = (input: RestoreWriteInput): boolean =>
  input.to.format === 'vmdk' && input.to.subformat === 'streamOptimized';

async function convertOptions(
  input: RestoreWriteInput,
  index: number,
  target: Target,
  keys: ImageKeys,
): Promise<ConvertOptions> {
  const disk = diskAt(input, index);
  return {
    from: await imageTarget(disk.file, { key: keys.of(disk) }),
    to: target.temporary,
    toFormat: input.to.format,
    toOptions: input.to.format === 'vmdk' ? `subformat=${input.to.subformat}` : undefined,
    inOrder: streamOptimized(input),
  };
}

function diskAt(input: RestoreWriteInput, index: number): RestoreWriteInput['disks'][number] {
  const disk = input.disks[index];
  if (!disk) throw new SendenseError('run.internal', `no disk ${index}`);
  return disk;
}

async function argvFor(input: RestoreWriteInput, index: number, target: Target, keys: ImageKeys): Promise<string[]> {
  const disk = diskAt(input, index);
  if (input.to.thin) return ['qemu-img', ...createOverlayArgs(target.temporary, disk.file, disk.capacity_bytes)];
  return ['qemu-img', ...convertArgs(await convertOptions(input, index, target, keys))];
}

async function write(
  context: StepContext<Services>,
  input: RestoreWriteInput,
  index: number,
  target: Target,
  parts: PinnedFolder,
): Promise<void> {
  const disk = diskAt(input, index);
  // Not by the names of the folders above it: others may put something else in their place.
  const to = `./${basename(target.temporary)}`;
  if (input.to.thin) return createOverlay(to, disk.file, disk.capacity_bytes, context.signal, parts.path);
  const keys = await context.services.imageKeys(input.repository);
  const options = await convertOptions(input, index, target, keys);
  const total = input.disks[index]?.capacity_bytes ?? 0;
  const started = performance.now();
  const report = (done: number): void =>
    context.progress([
      {
        disk: target.disk,
        phase: 'copying',
        bytes_done: done,
        bytes_total: total,
        rate: Math.round((done * 1000) / (performance.now() - started + 1)),
      },
    ]);
  try {
    await convertImage({
      ...options,
      to,
      cwd: parts.path,
      signal: context.signal,
      onProgress: (fraction) => report(Math.round(fraction * total)),
    });
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'disk.full') {
      throw new SendenseError(
        'disk.full',
        `no space for ${target.file}: ${await freeBytes(dirname(target.file))} bytes are free; ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
  report(total);
}
