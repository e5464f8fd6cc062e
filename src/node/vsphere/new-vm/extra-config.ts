import type { VmConfig } from '../../../schemas/types.ts';

type Option = VmConfig['extra_config'][number];

/**
 * What of extraConfig a new VM gets. Anything else may name files, devices of the host or places on its bus (`scsi0:0.fileName`,
 * `serial0.fileName`, `pciPassthru0.id`), or is the old VM's own (`sched.swap.derivedName`).
 */
const known = [
  /^disk\.EnableUUID$/i,
  /^hypervisor\.cpuid\.v0$/i,
  /^mce\.enable$/i,
  /^monitor_control\.[a-z_.]+$/i,
  /^numa\.[a-z.]+$/i,
  /^cpuid\.[0-9a-z.]+$/i,
  /^svga\.[a-z.]+$/i,
  /^tools\.guest\.desktop\.autolock$/i,
  /^isolation\.[a-z.]+\.disable$/i,
  /^guestinfo\.[a-z0-9._-]+$/i,
  /^time\.synchronize\.[a-z.]+$/i,
  /^sched\.cpu\.latencySensitivity$/i,
];
/** Of each VM, made anew by the server: nobody misses them. */
const made =
  /^(nvram|migrate\.|sched\.swap\.|scsi\d+\.pciSlot|sata\d+\.pciSlot|ethernet\d+\.pciSlot|pciBridge|vmci0?\.|hpet0\.|softPowerOff|toolsInstallManager|vmware\.tools|viv\.|svga\.present|tools\.|monitor\.phys|vmotion\.|cleanShutdown|extendedConfigFile|virtualHW\.|govcsim|sendense\.|.*\.redo$|.*\.sasWWID$|.*\.ctkEnabled$|ctkEnabled$)/i;

const longestValue = 64 * 1024;

/** @returns keys of those that are left out and that somebody may have set */
export function takenOver(options: readonly Option[]): { readonly kept: Option[]; readonly leftOut: string[] } {
  const isKept = ({ key, value }: Option): boolean =>
    key.length <= 200 && value.length <= longestValue && known.some((form) => form.test(key));
  return {
    kept: options.filter(isKept),
    leftOut: options.filter((one) => !isKept(one) && !made.test(one.key)).map(({ key }) => key),
  };
}
