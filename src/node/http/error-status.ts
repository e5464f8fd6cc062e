import type { ErrorCode } from '../../errors/catalogue.ts';

/** HTTP status of what is not simply a failure of this machine (500). */
const statuses: Partial<Record<ErrorCode, number>> = {
  'request.invalid': 400,
  'node.refused': 401,
  'job.unknown': 404,
  'node.busy': 409,
  'source.busy': 409,
  'source.changed': 409,
  'source.missing': 422,
  'source.unsupported': 422,
  'file.unreadable': 422,
  // Who asks gave a login that does not do.
  'vsphere.login': 422,
  'vsphere.permission': 422,
  'vsphere.tls': 422,
  'vsphere.settings': 422,
  'node.limited': 429,
  // What the node asked did not do as it should.
  'vsphere.unreachable': 502,
  'vsphere.protocol': 502,
  'vsphere.fault': 502,
  'vsphere.busy': 502,
  'snapshot.left': 502,
  'disk.full': 507,
};

/** Codes that every request may be answered with. */
export const commonErrors: readonly ErrorCode[] = ['request.invalid', 'node.refused', 'node.limited', 'run.internal'];

export const statusOf = (code: ErrorCode): number => statuses[code] ?? 500;
