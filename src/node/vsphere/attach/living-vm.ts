import { SendenseError } from '../../../errors/sendense-error.ts';
import { identityOf } from '../../sources/vsphere/disk-info.ts';
import { inPlaceMarkIn } from '../in-place/in-place-mark.ts';
import { lookAtVm, type SeenVm } from '../new-vm/marked-vm.ts';
import { missingPrivileges } from '../privileges.ts';
import { attachPrivileges } from '../restore-privileges.ts';
import { disksOf } from '../vm-disks.ts';
import { lookAtVm as lookAtState, type VmState } from '../vm-state.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { optionalText, type Moref } from '../xml.ts';
import { attachMarksIn } from './attach-mark.ts';
import { devicesIn, freePlaces, type FreePlace } from './free-places.ts';

/** A VM that can get disks, running or not. */
export interface LivingVm {
  readonly name: string;
  readonly isOn: boolean;
  /** What only this VM has, and no copy of it. */
  readonly identity: string;
  /** At least one for each disk, best first. */
  readonly places: readonly FreePlace[];
}

export interface WantedDisks {
  readonly point: string;
  /** In the restore point, `disk-1`. */
  readonly disks: readonly string[];
}

const paths = ['config.instanceUuid', 'config.template', 'runtime.faultToleranceState'];

/**
 * What speaks against attaching disks to a VM, all of it at once.
 * @throws SendenseError `target.unfit`, `vsphere.permission`, `vsphere.*`
 */
export async function livingVm(
  vsphere: Vsphere,
  object: Moref,
  wanted: WantedDisks,
  signal?: AbortSignal,
): Promise<LivingVm> {
  const seen = await lookAtVm(vsphere, object, signal);
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  if (seen === null || !shown)
    throw new SendenseError('target.unfit', `the VM ${object.value} is not there any more`, {
      remedy: 'Look in vSphere whether it was removed, or registered anew.',
    });
  const state = await lookAtState(vsphere, object, signal);
  const places = freePlaces(devicesIn(seen.values.get('config.hardware')));
  const against = [...againstVm(seen, state, shown), ...againstDisks(seen, wanted, places)];
  if (against.length > 0)
    throw new SendenseError('target.unfit', `the VM ${state.name} gets no disk: ${against.join('; ')}`, {
      remedy: 'Nothing was changed. Restore the disk to a new VM if that does not help: `--to vsphere:SOURCE`.',
    });
  await assertMay(vsphere, object, state.name, signal);
  return { name: state.name, identity: identityIn(shown, object), isOn: state.poweredOn, places };
}

/** A VM that was copied has the marks of the other one, and another identity. */
export const identityIn = ({ values }: Pick<ObjectProperties, 'values'>, object: Moref): string =>
  optionalText(values.get('config.instanceUuid')) || object.value;

function againstVm(seen: SeenVm, state: VmState, { values }: ObjectProperties): string[] {
  const foreign = state.snapshots.filter(({ mark }) => mark === null).map(({ name }) => name);
  const restored = inPlaceMarkIn(seen.values.get('config.extraConfig'));
  const tolerance = optionalText(values.get('runtime.faultToleranceState')) ?? 'notConfigured';
  return [
    ...(optionalText(values.get('config.template')) === 'true' ? ['it is a template'] : []),
    ...(state.connection === 'connected' ? [] : [`it is ${state.connection}`]),
    ...(state.suspended ? ['it is suspended: go on with it, or switch it off'] : []),
    ...(tolerance === 'notConfigured' ? [] : ['fault tolerance is on']),
    ...(foreign.length === 0
      ? []
      : [`it has snapshots: ${foreign.join(', ')}: remove them, because going back to one would drop the disk`]),
    ...(seen.mark === null ? [] : [`run ${seen.mark.run} is making it, and has not finished`]),
    ...(restored === null ? [] : [`run ${restored.run} restores it in place, and has not finished`]),
  ];
}

function againstDisks(seen: SeenVm, { point, disks }: WantedDisks, places: readonly FreePlace[]): string[] {
  const there = new Set(disksOf(devicesIn(seen.values.get('config.hardware'))).map(identityOf));
  const twice = attachMarksIn(seen.values.get('config.extraConfig'))
    .filter(({ id, mark }) => mark?.point === point && disks.includes(mark.disk) && there.has(id))
    .map(({ mark }) => mark?.disk ?? '');
  return [
    ...(twice.length === 0
      ? []
      : [`it has ${twice.join(', ')} of ${point} already: detach that first (\`sendense-run detach\`)`]),
    ...(places.length >= disks.length
      ? []
      : [
          `${places.length === 0 ? 'no unit is' : `only ${places.length} of ${disks.length} units are`} free on a controller that takes disks while the VM runs (SCSI, NVMe, SATA; not IDE): add a controller to it in vSphere`,
        ]),
  ];
}

async function assertMay(vsphere: Vsphere, object: Moref, name: string, signal?: AbortSignal): Promise<void> {
  const { missing, user } = await missingPrivileges(vsphere, [object], attachPrivileges, signal);
  const lacking = missing.get(object.value) ?? [];
  if (lacking.length === 0) return;
  throw new SendenseError(
    'vsphere.permission',
    `${user || 'the user'} lacks privileges on the VM ${name}: ${lacking.map(({ privilege, why }) => `${privilege} (${why})`).join(', ')}`,
    { remedy: 'Give them to the role for restores, see docs/vsphere.md.' },
  );
}
