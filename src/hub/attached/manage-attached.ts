import type { Services } from '../../steps/services.ts';
import type { State } from '../../state/database/open-state.ts';
import { attachedBy, type Attached } from './attach-place.ts';
import { attachedInKvm } from './attached-kvm.ts';
import { attachedInVsphere } from './attached-vsphere.ts';

/** Every kind of place that has VMs to which disks can be attached. */
export const manageAttached = (services: Services, state: State): Attached =>
  attachedBy({ vsphere: attachedInVsphere(services), kvm: attachedInKvm(state) });
