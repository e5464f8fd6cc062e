import type { ErrorCode } from '../../../errors/catalogue.ts';

/** What a route may be answered with that asks a source, through a node. */
export const sourceErrors: readonly ErrorCode[] = [
  'vsphere.login',
  'vsphere.unreachable',
  'vsphere.tls',
  'vsphere.permission',
  'vsphere.protocol',
  'vsphere.fault',
  'node.unreachable',
];
