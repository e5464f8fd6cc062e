import { createHash } from 'node:crypto';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { VmConfig } from '../../schemas/types.ts';
import type { DownloadFile } from './download-datastore-file.ts';
import { vmxWithoutSecrets } from './without-secrets.ts';
import { list, optionalText, type XmlValue } from './xml.ts';

/** A .vmx file has some KiB, NVRAM up to 270 KiB. */
const longest = 1024 * 1024;

type Files = Pick<VmConfig, 'vmx' | 'nvram' | 'secrets_dropped' | 'warnings'>;

/** The VM's own small files. What cannot be read is a warning: the disks are what counts. */
export async function vmConfigFiles(config: XmlValue, download: DownloadFile, signal?: AbortSignal): Promise<Files> {
  const files: Files = { vmx: null, nvram: null, secrets_dropped: 0, warnings: [] };
  const read = async (file: string, keep: (content: Buffer) => void): Promise<void> => {
    try {
      keep(await download(file, longest, signal));
    } catch (error) {
      signal?.throwIfAborted();
      files.warnings.push(`${file} is not saved: ${toSendenseError(error).message}`);
    }
  };
  const vmx = optionalText(config, 'files.vmPathName');
  if (!vmx) {
    files.warnings.push('vSphere does not say where the VM has its .vmx file');
    return files;
  }
  await read(vmx, (content) => {
    const { text, dropped } = vmxWithoutSecrets(content.toString('utf8'));
    files.vmx = { file: vmx, text };
    files.secrets_dropped += dropped;
  });
  const nvram = nvramOf(config, vmx);
  if (nvram !== null)
    await read(nvram, (content) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      files.nvram = { file: nvram, sha256, base64: content.toString('base64') };
    });
  return files;
}

/** The .vmx file names it, relative to its own folder. */
function nvramOf(config: XmlValue, vmx: string): string | null {
  const named = list(config, 'extraConfig').find((option) => optionalText(option, 'key') === 'nvram');
  const name = optionalText(named, 'value')?.trim();
  if (!name) return null;
  if (name.startsWith('[')) return name;
  const folder = vmx.includes('/') ? vmx.slice(0, vmx.lastIndexOf('/') + 1) : vmx.slice(0, vmx.indexOf('] ') + 2);
  return folder + name;
}
