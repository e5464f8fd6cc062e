import type { Caller } from '../../api/caller.ts';
import type { Call } from '../../api/route.ts';
import type { Sees } from '../pages/pages.ts';
import type { HubParts } from './route.ts';

/** Whether the caller may know of a VM, or of what is about several (`*`). */
export const mayKnow = (caller: Caller, vm: string): boolean => caller.allVms || (vm !== '*' && caller.mayVm(vm));

/** Which VMs the caller may know of. */
export const seesOf = ({ caller }: Pick<Call<HubParts>, 'caller'>): Sees =>
  caller.allVms ? undefined : (vm) => mayKnow(caller, vm);

/** What was made for whoever asked the same a moment ago, or made now; of one who may see some VMs only, always made now. */
export async function shared<Body extends object>(
  call: Pick<Call<HubParts>, 'parts' | 'params' | 'query' | 'caller' | 'answer'>,
  route: string,
  make: (sees: Sees) => Promise<Body> | Body,
): Promise<Body | Buffer> {
  const sees = seesOf(call);
  if (sees) return make(sees);
  const { parts, params, query, answer } = call;
  const { bytes, tag } = await parts.remembered.answer(JSON.stringify([route, params, query]), () => make(undefined));
  answer.header('etag', tag);
  return bytes;
}
