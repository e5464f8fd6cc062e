import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { exists } from '../host/files/files.ts';

/** Files of UEFI: its code, and what a machine that never ran has in its variables. */
export interface UefiFiles {
  readonly code: string;
  readonly template: string;
}

const ovmf: readonly UefiFiles[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', template: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', template: '/usr/share/OVMF/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', template: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
];

/** UEFI of this machine, without Secure Boot. @throws SendenseError `tool.missing` */
export async function uefiFiles(): Promise<UefiFiles> {
  for (const files of ovmf) if ((await exists(files.code)) && (await exists(files.template))) return files;
  throw new SendenseError('tool.missing', 'the VM boots with UEFI, and OVMF is not installed (Debian package ovmf)', {
    remedy: 'apt-get install ovmf',
  });
}

/**
 * UEFI with variables of its own in `folder`; null for BIOS.
 * @param saved what the saved configuration says, or what can be told by the disk where there is none
 * @throws SendenseError `tool.missing` where the VM needs UEFI and there is none
 */
export async function firmwareOf(
  wanted: 'auto' | 'bios' | 'efi',
  saved: () => Promise<string>,
  folder: string,
): Promise<{ code: string; variables: string } | null> {
  const firmware = wanted === 'auto' ? await saved() : wanted;
  if (firmware !== 'efi') return null;
  const { code, template } = await uefiFiles();
  const variables = join(folder, 'efi-variables.fd');
  await copyFile(template, variables);
  return { code, variables };
}
