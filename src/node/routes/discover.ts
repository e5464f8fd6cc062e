import type { Discovered, DiscoverRequest, Inventory } from '../../schemas/types.ts';
import { assertNotOwn } from '../limits/own-files.ts';
import { discover as discoverDisks, inventory, loginOf } from '../sources/index.ts';
import { defineRoute } from './route.ts';
import { sourceErrors, vsphereErrors } from './error-sets.ts';

export const discover = defineRoute<DiscoverRequest>({
  id: 'discover',
  method: 'POST',
  path: '/api/v1/discover',
  tag: 'source',
  summary: 'The disks of a VM, or all VMs of a source',
  description: 'Changes nothing. With `"vm_name": null` all VMs of a vCenter or ESXi host.',
  body: { schema: 'node/discover.json', bytes: 1024 * 1024 },
  answers: {
    200: { description: 'The disks of the VM, or all VMs.', schema: ['node/discovered.json', 'node/inventory.json'] },
  },
  errors: [...sourceErrors, ...vsphereErrors],
  handle: async ({ parts: node, body, signal }): Promise<Discovered | Inventory> => {
    const { vm_name: vmName, source } = body;
    await assertNotOwn(source, node.own);
    const asking = { login: loginOf(body, node.refused), signal };
    if (vmName === null) return inventory(source, { ...asking, tags: body.tags });
    return { vm_name: vmName, ...(await discoverDisks(source, { ...asking, vmName, own: node.own })) };
  },
});
