import { SendenseError } from '../../errors/sendense-error.ts';
import { namedFull } from '../../host/files/full-disk.ts';
import type { PlannedEffect } from '../../schemas/types.ts';
import { directoryTarget } from '../directory/directory-target.ts';
import { arePublished, publishFiles, removePublished, type NamesClaim } from '../directory/publish-files.ts';
import type { TargetKind, ToOf } from '../target-kind.ts';
import { claimOf, diskRequest, type KvmClaim } from './kvm-claim.ts';
import { assertRoomForDomain, libvirtOf, publishDomain, removeDomain, type PublishedDomain } from './libvirt-domain.ts';
import { assertConvertible } from './conversion.ts';
import { virtioConverting } from './convert-vm.ts';
import { domainStarting } from './start-domain.ts';
import { planVm } from './plan-vm.ts';
import { domainOf, writeBeside } from './write-beside.ts';
import { assertPlain, writeForQemu } from './write-for-qemu.ts';

interface VmClaim {
  /** Disks, and what is written beside them. */
  readonly files: NamesClaim;
  /** Null: libvirt defines nothing. */
  readonly domain: PublishedDomain | null;
}

const never = new AbortController().signal;

/**
 * A VM for KVM: its disks as qcow2 in a folder of the hub, with what libvirt defines it by and a script that starts it without libvirt. It is
 * published when all files have their names. Libvirt defines it after that: where it cannot, the disks stay.
 */
export const kvmTarget: TargetKind<'kvm', KvmClaim, VmClaim> = {
  type: 'kvm',
  claim: claimOf,

  async assertFree(request, claim) {
    assertPlain(claim.directory);
    await directoryTarget.assertFree(diskRequest(request), claim);
    const vm = await planVm(request, claim, never);
    await assertConvertible(request.to, vm, claim.planFolder ?? '/');
    const uri = await libvirtOf(request.to);
    assertStartable(request.to, uri);
    await assertRoomForDomain(uri, vm, uri === null ? null : await domainOf(vm, claim));
  },

  async effects(request, claim) {
    const disks = await directoryTarget.effects(diskRequest(request), claim);
    const vm = await planVm(request, claim, never);
    const uri = await libvirtOf(request.to);
    const { name, notes, firmware } = vm.machine;
    const others = claim.others
      .filter(({ disk }) => firmware === 'efi' || disk !== 'efi-variables.fd')
      .map(({ file }): PlannedEffect => ({ action: 'create', target: file, detail: `of the VM ${name}`, argv: null }));
    const domain: PlannedEffect = {
      action: 'create',
      target: name,
      detail: [isStarted(request.to) ? 'the VM in libvirt' : 'the VM in libvirt, not started', ...notes].join('; '),
      argv: ['virsh', '--connect', uri ?? '', 'define', claim.others[0]?.file ?? ''],
    };
    const noDomain: PlannedEffect = {
      ...domain,
      detail: ['no VM in libvirt: start.sh starts it', ...notes].join('; '),
      argv: null,
    };
    return [...disks, ...others, uri === null ? noDomain : domain];
  },

  outline: (request, claim) => directoryTarget.outline(diskRequest(request), claim),

  async write(request, claim, run) {
    const vm = await planVm(request, claim, run.signal);
    const uri = await libvirtOf(request.to, run.signal);
    const written = await writeForQemu(diskRequest(request), claim, run, uri !== null);
    const machine = await writeBeside(vm, claim, uri).catch((error: unknown) => {
      throw namedFull(error, [{ path: claim.directory, what: 'the target of the restore' }]);
    });
    for (const note of machine.notes) run.log(note);
    return { ...written, machine };
  },

  undoWrite: (claim, remembered) => directoryTarget.undoWrite(claim, remembered),
  readBack: directoryTarget.readBack,
  compare: null,

  claimNames: (written, made = null) => {
    const machine = made !== null && 'libvirt' in made ? made : null;
    const files = [...written, ...(machine?.files ?? [])].map(({ disk, temporary, file }) => ({
      disk,
      temporary,
      file,
    }));
    const domain =
      machine === null || machine.libvirt === null
        ? null
        : { uri: machine.libvirt, uuid: machine.uuid, name: machine.name, mark: machine.mark, xml: machine.xml };
    return { files, domain };
  },
  publishEffects: directoryTarget.publishEffects,

  async publish({ files, domain }, run) {
    await publishFiles(files, run);
    if (domain !== null) await publishDomain(domain, run.signal);
  },

  isPublished: ({ files }, remembered) => arePublished(files, remembered),

  async undoPublish({ files, domain }, remembered) {
    if (domain !== null) await removeDomain(domain);
    await removePublished(files, remembered);
  },

  safeguarding: null,
  converting: virtioConverting,
  starting: domainStarting,
  files: null,
};

const isStarted = ({ start }: Pick<ToOf<'kvm'>, 'start'>): boolean => start !== false;

/** Without libvirt nobody looks after a VM that runs. */
function assertStartable(to: ToOf<'kvm'>, uri: string | null): void {
  if (uri !== null || !isStarted(to)) return;
  if (to.libvirt === 'none')
    throw new SendenseError('target.unfit', 'the VM cannot be started: libvirt starts it, and libvirt is `none`', {
      remedy: 'Restore without `start` (--start), and run start.sh. Or leave out `libvirt`.',
    });
  throw new SendenseError('target.unfit', 'the VM cannot be started: libvirt does not answer at qemu:///system', {
    remedy:
      'Start libvirt (Debian packages libvirt-daemon-system and libvirt-clients). Or restore without `start` (--start), and run start.sh.',
  });
}
