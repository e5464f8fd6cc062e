import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { Vsphere } from './vsphere.ts';
import { vmConfig, type VmConfigOptions } from './vm-config.ts';

export interface SavedVmConfig {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes the VM's configuration (`schemas/vm-config.json`) into a file that only this user may read; null, with a warning,
 * where that fails: it is never the end of a backup.
 */
export async function saveVmConfig(
  vsphere: Vsphere,
  options: VmConfigOptions & { readonly file: string; warn(message: string): void },
): Promise<SavedVmConfig | null> {
  const { file, signal, warn } = options;
  try {
    const config = await vmConfig(vsphere, options);
    for (const warning of config.warnings) warn(warning);
    const content = Buffer.from(`${JSON.stringify(config, null, 2)}\n`);
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
    return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  } catch (error) {
    signal?.throwIfAborted();
    warn(`the configuration of ${options.facts.name} is not saved: ${toSendenseError(error).message}`);
    return null;
  }
}
