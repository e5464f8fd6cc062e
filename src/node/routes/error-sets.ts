import type { ErrorCode } from '../../errors/catalogue.ts';

export const sourceErrors: readonly ErrorCode[] = [
  'source.busy',
  'source.missing',
  'source.unsupported',
  'file.unreadable',
];

/** What a vCenter or ESXi host may be the reason of. */
export const vsphereErrors: readonly ErrorCode[] = [
  'vsphere.unreachable',
  'vsphere.tls',
  'vsphere.login',
  'vsphere.permission',
  'vsphere.protocol',
  'vsphere.fault',
  'vsphere.busy',
];
