import { chmod, copyFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fsyncFile, fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { kvmWorks, qemuSystem } from '../../host/images/qemu-system.ts';
import { requireTools } from '../../host/programs/tools.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { diskName } from '../../repository/layout.ts';
import type { WrittenMachine } from '../../schemas/types.ts';
import { partsOf, type DiskNames } from '../directory/disk-names.ts';
import { openParts } from '../directory/part-folder.ts';
import { domainMark, domainXml, isOtherInLibvirt } from './domain-xml.ts';
import { beside, type KvmClaim } from './kvm-claim.ts';
import type { PlannedVm } from './plan-vm.ts';
import { startScript } from './start-script.ts';

/** Where its files will be. */
export type VmPlaces = Pick<KvmClaim, 'targets' | 'others'>;

export const scriptMode = 0o700;

/** Writes what belongs to the VM beside its disks, under temporary names. Durable when this returns. */
export async function writeBeside(vm: PlannedVm, claim: KvmClaim, libvirt: string | null): Promise<WrittenMachine> {
  const { uefi } = vm;
  const xml = await domainOf(vm, claim);
  await using parts = await openParts(claim.parts ?? partsOf(claim.directory, { runId: vm.runId, stepId: 'write' }));
  const place = ({ temporary }: DiskNames): string => `${parts.path}/${basename(temporary)}`;
  const files: DiskNames[] = [];
  for (const names of claim.others) {
    const file = place(names);
    if (names.disk === beside.domain) await writeNewFile(file, xml);
    else if (names.disk === beside.script) await writeNewFile(file, startScript(vm, filesOf(vm, claim)), scriptMode);
    else if (uefi !== null) {
      await copyFile(uefi.template, file);
      await chmod(file, 0o600);
      await fsyncFile(file);
    } else continue;
    files.push(names);
  }
  await fsyncFolder(parts.path);
  return writtenMachine(vm, { xml, files, libvirt });
}

/** What is made of the disks. */
export function writtenMachine(
  vm: PlannedVm,
  { xml, files, libvirt }: Pick<WrittenMachine, 'xml' | 'files' | 'libvirt'>,
): WrittenMachine {
  const { machine, uuid } = vm;
  const moved = machine.disks
    .filter(isOtherInLibvirt)
    .map(
      ({ number }) => `${diskName(number)} is on NVMe with start.sh, and on SATA in libvirt, which may know no NVMe`,
    );
  return {
    name: machine.name,
    uuid,
    libvirt,
    mark: domainMark(vm),
    xml,
    files,
    notes: [...machine.notes, ...vm.notes, ...moved],
  };
}

/** How libvirt defines the VM. */
export async function domainOf(vm: PlannedVm, claim: VmPlaces): Promise<string> {
  const variables =
    vm.uefi === null ? null : (claim.others.find(({ disk }) => disk === beside.variables)?.file ?? null);
  return domainXml(vm, { disks: filesOf(vm, claim), variables }, await mayHaveKvm());
}

/** Where the disks will be, by their numbers. */
export const filesOf = ({ machine }: PlannedVm, { targets }: Pick<VmPlaces, 'targets'>): ReadonlyMap<number, string> =>
  new Map(
    machine.disks.flatMap(({ number }) => {
      const file = targets.find(({ disk }) => disk === diskName(number))?.file;
      return file === undefined ? [] : [[number, file] as const];
    }),
  );

let kvm: Promise<boolean> | undefined;

/** False where QEMU is here and KVM does not work with it. Without QEMU the VM is for another machine. It is asked once: that can take seconds. */
const mayHaveKvm = (): Promise<boolean> => (kvm ??= askKvm());

async function askKvm(): Promise<boolean> {
  try {
    await requireTools([qemuSystem]);
  } catch (error) {
    if (error instanceof SendenseError) return true;
    throw error;
  }
  return kvmWorks();
}
