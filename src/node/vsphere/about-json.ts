import type { Inventory } from '../../schemas/types.ts';
import type { About } from './vsphere.ts';

/** As the node's API says it. */
export const aboutJson = (about: About): Inventory['about'] => ({
  api_type: about.apiType,
  api_version: about.apiVersion,
  full_name: about.fullName,
  instance_uuid: about.instanceUuid,
});
