import { SendenseError } from '../../errors/sendense-error.ts';
import { startDomain } from '../../host/libvirt/libvirt-guest.ts';
import { domainState, resumeDomain } from '../../host/libvirt/virsh.ts';
import type { VmStarting } from '../target-kind.ts';
import { isOurs } from './libvirt-domain.ts';

/** A VM that libvirt defines; `uri` null: it does not. */
interface DomainClaim {
  readonly uri: string | null;
  readonly uuid: string;
  readonly name: string;
  readonly mark: string;
}

/** A VM of libvirt that a restore has defined. */
export const domainStarting: VmStarting<DomainClaim> = {
  claim: (machine) => {
    if ('vm' in machine)
      throw new SendenseError('plan.invalid', 'the step is told of a VM in vSphere, and starts one of libvirt', {
        remedy: 'Give it `target` and `machine` of one step, as runners/restore.yaml does.',
      });
    const { libvirt, uuid, name, mark } = machine;
    return { uri: libvirt, uuid, name, mark };
  },

  async start({ uri, ...claim }, { folder, signal, log, remember }) {
    if (uri === null)
      throw new SendenseError('start.failed', `libvirt does not have the VM ${claim.name}: it was not started`, {
        remedy: 'All files are in place. Start it with start.sh.',
      });
    const domain = { ...claim, uri };
    try {
      if (!(await isOurs(domain, signal)))
        throw new SendenseError('start.failed', `libvirt (${uri}) has no VM ${claim.name} of this restore any more`, {
          remedy: `All files are in place. Define the VM with \`virsh --connect ${uri} define\` and domain.xml.`,
        });
      const guest = await startDomain({
        uri,
        uuid: claim.uuid,
        folder,
        signal,
        onResumed: () => remember('resumed', true),
      });
      if (guest.wasOn) log(`${claim.name} was on already: what it said on its serial port before is not known`);
      if (guest.silent !== null) log(`the serial port of ${claim.name} cannot be read: ${guest.silent}`);
      return Object.assign(guest, { remedy: remedyOf(domain) });
    } catch (error) {
      if (!(error instanceof SendenseError) || error.code !== 'tool.failed') throw error;
      throw new SendenseError('start.failed', `libvirt (${uri}) did not start the VM ${claim.name}: ${error.message}`, {
        cause: error,
        remedy: `All files are in place, and the VM is defined. Correct that, then \`virsh --connect ${uri} start ${claim.name}\`.`,
      });
    }
  },

  async undoStart({ uri, ...claim }, { resumed }, signal) {
    if (uri === null || resumed === true || !(await isOurs({ ...claim, uri }, signal))) return;
    if ((await domainState(uri, claim.uuid, signal)) === 'paused') await resumeDomain(uri, claim.uuid, signal);
  },
};

const remedyOf = ({ uri, name }: { readonly uri: string; readonly name: string }): string =>
  `What was restored is whole, and the VM is left as it is. \`virsh --connect ${uri} console ${name}\` and \`virt-viewer --connect ${uri} ${name}\` show it; \`virsh --connect ${uri} destroy ${name}\` switches it off.`;
