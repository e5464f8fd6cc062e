import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { contentStream } from '../../host/images/locked-file.ts';
import type { DiskBus } from '../../host/images/guest-disks.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import type { VmConfig } from '../../schemas/types.ts';
import type { RestorePoint } from '../../state/points/restore-points.ts';

/** The saved configuration of the VM; null where there is none, or it cannot be read. */
export async function readVmConfig(root: string, point: RestorePoint, keys: ImageKeys): Promise<VmConfig | null> {
  if (!point.vm_config) return null;
  const key = keys.of(point.vm_config);
  try {
    const content = contentStream(join(root, point.vm.context, point.vm_config.path), key);
    return (await json(content)) as VmConfig;
  } catch {
    return null;
  }
}

const buses: readonly (readonly [RegExp, DiskBus])[] = [
  [/ParaVirtualSCSI/i, 'pvscsi'],
  [/LsiLogicSAS/i, 'lsisas'],
  [/NVME/i, 'nvme'],
  [/IDEController/i, 'ide'],
];

/** What OVMF has no driver for, as Debian builds it: it would find nothing to start. */
const unknownToOvmf: ReadonlySet<DiskBus> = new Set(['pvscsi', 'lsisas']);

/**
 * The controller that the VM had its disk on, where qemu has it too and the firmware can read it; else SATA, which every system knows.
 * @param efi whether UEFI starts the VM
 */
export function busOf(config: VmConfig | null, uuid: string, efi: boolean): DiskBus {
  const disk = config?.disks?.find((entry) => entry.uuid === uuid);
  const type = config?.controllers?.find(({ key }) => key === disk?.controller_key)?.type ?? '';
  const bus = buses.find(([pattern]) => pattern.test(type))?.[1] ?? 'ahci';
  return efi && unknownToOvmf.has(bus) ? 'ahci' : bus;
}

const ovmf: readonly (readonly [string, string])[] = [
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
  ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'],
  ['/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'],
];

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
  for (const [code, template] of ovmf) {
    if (!(await exists(code)) || !(await exists(template))) continue;
    const variables = join(folder, 'efi-variables.fd');
    await copyFile(template, variables);
    return { code, variables };
  }
  throw new SendenseError('tool.missing', 'the VM boots with UEFI, and OVMF is not installed (Debian package ovmf)', {
    remedy: 'apt-get install ovmf',
  });
}
