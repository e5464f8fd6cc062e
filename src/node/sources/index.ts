import { SendenseError } from '../../errors/sendense-error.ts';
import type { BackupStartRequest, Inventory, Source as SourceSpec } from '../../schemas/types.ts';
import type { JobPlace } from '../../sources/open-source.ts';
import { imageSource } from './image/image-source.ts';
import { refusedLogins, type LoginName, type RefusedLogins } from '../vsphere/refused-logins.ts';
import { sourceOf } from './request-source.ts';
import type { OpenSource } from '../../sources/open-source.ts';
import type { CleanUpOptions, DiscoveredDisks, DiscoverOptions, InventoryOptions, Login, OpenOptions, Source } from './source.ts';

type Kinds = { readonly [T in SourceSpec['type']]: Source<Extract<SourceSpec, { type: T }>> };

/** Every kind of source. A new one is added here and to `schemas/domain.json#/$defs/source`. */
const kinds: { readonly [T in SourceSpec['type']]: () => Promise<Kinds[T]> } = {
  image: async () => imageSource,
  // Loaded where it is needed: who reads images does not pay for SOAP.
  vsphere: async () => (await import('./vsphere/vsphere-source.ts')).vsphereSource,
};

const kindOf = (spec: SourceSpec): Promise<Source> => kinds[spec.type]() as Promise<Source>;

export const discover = async (spec: SourceSpec, options: DiscoverOptions): Promise<DiscoveredDisks> =>
  (await kindOf(spec)).discover(spec, options);

/** All VMs of a source. @throws SendenseError `request.invalid` for a source that is a list of disks */
export async function inventory(spec: SourceSpec, options: InventoryOptions): Promise<Inventory> {
  const list = (await kindOf(spec)).inventory;
  if (list) return list(spec, options);
  throw new SendenseError('request.invalid', `/vm_name is needed: a source of type ${spec.type} has no inventory`, {
    details: { field: '/vm_name' },
  });
}

/** Opens what a start request is about. */
export async function openSource(request: BackupStartRequest, options: JobPlace & Pick<OpenOptions, 'own'>): Promise<OpenSource> {
  const spec = sourceOf(request);
  return (await kindOf(spec)).open(spec, {
    ...options,
    vmName: request.vm_name,
    login: loginOf(request, refusedLogins()),
    jobId: request.job_id,
    backupId: request.backup_id ?? null,
    lastRevert: request.last_revert,
    expected: (request.disks ?? []).map(({ key, uuid }) => ({ key, uuid: uuid ?? null })),
  });
}

/** Removes what the job of this request left at its source. */
export async function cleanUpSource(
  request: BackupStartRequest,
  refused: RefusedLogins,
  signal?: AbortSignal,
): Promise<void> {
  const login = loginOf(request, refused);
  await cleanUpAfter(sourceOf(request), { vmName: request.vm_name, login, jobId: request.job_id, signal });
}

/** How the login of a request was refused lately; null where it was not. */
export async function refusalOf(request: BackupStartRequest, refused: RefusedLogins): Promise<SendenseError | null> {
  const account = await accountOf(request);
  return account && refused.refusal(account);
}

/** Another process was refused with the login of this request. */
export async function noteRefused(request: BackupStartRequest, refused: RefusedLogins): Promise<void> {
  const account = await accountOf(request);
  if (account) refused.note(account);
}

async function accountOf(request: BackupStartRequest): Promise<LoginName | null> {
  const spec = sourceOf(request);
  const login = loginOf(request);
  return (login && (await kindOf(spec)).account?.(spec, login)) ?? null;
}

/** The same for a source and a job. @throws SendenseError `snapshot.left`, `vsphere.*`, `source.missing` */
export async function cleanUpAfter(spec: SourceSpec, options: CleanUpOptions): Promise<void> {
  await (await kindOf(spec)).cleanUp?.(spec, options);
}

/** @param refused what this process knows of refused passwords */
export const loginOf = (
  request: { readonly vcenter_user?: string | null; readonly vcenter_password?: string | null },
  refused?: RefusedLogins,
): Login | null =>
  request.vcenter_password === null || request.vcenter_password === undefined
    ? null
    : { user: request.vcenter_user ?? '', password: request.vcenter_password, refused };
