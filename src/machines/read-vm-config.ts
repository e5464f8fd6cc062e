import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { readRegular } from '../host/files/regular-file.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { openContent } from '../host/images/locked-file.ts';
import type { ImageKeys } from '../repository/image-keys.ts';
import { mostVmConfigBytes } from '../repository/layout.ts';
import { parseJson } from '../schemas/parse-json.ts';
import type { Manifest, VmConfig } from '../schemas/types.ts';
import { describeErrors, validatorOf } from '../schemas/validator.ts';
import { withoutLines } from './lines-in-notes.ts';
import { shortText } from './short-text.ts';

/** Where the configuration of a restore point lies, as its manifest says. */
export interface SavedConfig {
  /** Absolute path. */
  readonly file: string;
  /** Of the file as it is stored, hex. */
  readonly sha256: string;
  readonly encryption?: { readonly key_id: string } | null | undefined;
}

/** What a manifest says of the saved configuration; null: there is none. @param root folder of the repository */
export const savedConfigOf = (
  root: string,
  { vm, vm_config: config }: Pick<Manifest, 'vm_config'> & { readonly vm: Pick<Manifest['vm'], 'context'> },
): SavedConfig | null =>
  config
    ? { file: join(root, vm.context, config.path), sha256: config.sha256, encryption: config.encryption ?? null }
    : null;

/**
 * The configuration of the VM as it was saved, in the form of `schemas/vm-config.json`. Others may have written it: what it says is bounded
 * by nothing else yet, see `machineOf`.
 * @throws SendenseError `machine.unknown` where it is missing, damaged or of another form; `repository.key`
 */
export async function readVmConfig(saved: SavedConfig, keys: ImageKeys): Promise<VmConfig> {
  const key = keys.of(saved);
  const name = basename(saved.file);
  try {
    const stored = await readRegular(saved.file, mostVmConfigBytes);
    const digest = createHash('sha256').update(stored).digest('hex');
    if (digest !== saved.sha256) throw new Error('its SHA-256 is not the one in the manifest');
    const value = parseJson((await contentOf(saved.file, key, stored)).toString('utf8'));
    const validate = validatorOf('vm-config.json');
    if (validate(value)) return bare(value as VmConfig);
    throw new Error(describeErrors(validate.errors));
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'repository.key') throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SendenseError('machine.unknown', `the saved configuration of the VM, ${name}, cannot be used: ${why}`, {
      cause: error,
      remedy: 'Name memory and CPUs yourself (`--memory 4GiB --cpus 2`), or restore another restore point.',
    });
  }
}

/** As {@link readVmConfig}; null where there is none, or it cannot be used. @throws SendenseError `repository.key` */
export async function findVmConfig(saved: SavedConfig | null, keys: ImageKeys): Promise<VmConfig | null> {
  if (saved === null) return null;
  return readVmConfig(saved, keys).catch((error: unknown) => {
    if (error instanceof SendenseError && error.code === 'machine.unknown') return null;
    throw error;
  });
}

/** What was saved of a VM for a machine that is made of it; `problem`: why it cannot be used. */
export interface FoundConfig {
  readonly config: VmConfig | null;
  readonly problem: string | null;
}

/**
 * As {@link readVmConfig}, but what cannot be used is an error only as long as nobody says what the VM needs.
 * @throws SendenseError `machine.unknown`, `repository.key`
 */
export async function readUnlessSaid(
  saved: SavedConfig | null,
  keys: () => Promise<ImageKeys>,
  isSaid: boolean,
): Promise<FoundConfig> {
  if (saved === null) return { config: null, problem: null };
  try {
    return { config: await readVmConfig(saved, await keys()), problem: null };
  } catch (error) {
    if (!isSaid || !(error instanceof SendenseError) || error.code !== 'machine.unknown') throw error;
    return { config: null, problem: shortText(error.message) };
  }
}

/** The VM may have been backed up while a restore worked on it; what is made of it is no such VM. */
const bare = (config: VmConfig): VmConfig => ({ ...config, annotation: withoutLines(config.annotation) });

async function contentOf(file: string, key: ImageKey | null, stored: Buffer): Promise<Buffer> {
  await using content = await openContent(file, key, stored);
  const bytes = Buffer.alloc(content.size);
  const count = await content.read(bytes, 0);
  return bytes.subarray(0, count);
}
