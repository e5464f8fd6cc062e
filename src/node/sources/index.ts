import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  BackupStartRequest,
  CredentialsTested,
  Inventory,
  Source as SourceSpec,
  VmConfig,
  VmSpecChanges,
} from '../../schemas/types.ts';
import { kindOf as hubKindOf } from '../../sources/index.ts';
import type { JobPlace, OpenSource } from '../../sources/open-source.ts';
import type { SourceType, SpecOf } from '../../sources/source-kind.ts';
import { refusedLogins, type LoginName, type RefusedLogins } from '../vsphere/refused-logins.ts';
import { imageSource } from './image/image-source.ts';
import { sourceOf } from './request-source.ts';
import type {
  CleanUpOptions,
  DiscoveredDisks,
  DiscoverOptions,
  InventoryOptions,
  LeftOverOptions,
  LeftOvers,
  Login,
  LoginPurpose,
  OpenOptions,
  Source,
  SpecFile,
} from './source.ts';
import { flatLogin, type FlatRequest } from './vsphere/flat-request.ts';

/** Every kind of source, as the node sees it. A new one is added to the schemas, to `src/sources/index.ts`, and here. */
const kinds: { readonly [T in SourceType]: () => Promise<Source<SpecOf<T>>> } = {
  image: async () => imageSource,
  // Loaded where it is needed: who reads images does not pay for SOAP.
  vsphere: async () => (await import('./vsphere/vsphere-source.ts')).vsphereSource,
};

const kindOf = ({ type }: SourceSpec): Promise<Source> => kinds[type]() as Promise<Source>;

/** Files of this machine that a request reads as disks, with their fields in the request. */
export const filesOf = async (spec: SourceSpec): Promise<SpecFile[]> =>
  (await kindOf(spec)).files(spec).map(({ field, path }) => ({ field: `/source${field}`, path }));

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
export async function openSource(
  request: BackupStartRequest,
  place: JobPlace & Pick<OpenOptions, 'own'>,
): Promise<OpenSource> {
  const spec = sourceOf(request);
  return (await kindOf(spec)).open(spec, {
    ...place,
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

/** The same for a source and a job. @throws SendenseError `snapshot.left`, `vsphere.*`, `source.missing` */
export async function cleanUpAfter(spec: SourceSpec, options: CleanUpOptions): Promise<void> {
  await (await kindOf(spec)).traces?.cleanUp(spec, options);
}

/** Removes what jobs of a VM left at its source. @throws SendenseError `vsphere.*`, `source.missing` */
export async function removeLeftOvers(spec: SourceSpec, options: LeftOverOptions): Promise<LeftOvers> {
  const { traces } = await kindOf(spec);
  return traces ? traces.removeLeftOvers(spec, options) : { snapshots: [], kept_snapshots: [], warnings: [] };
}

/** Whether a login works, and what the user lacks. @throws SendenseError `request.invalid`, `vsphere.*` */
export const testLogin = async (
  spec: SourceSpec,
  login: Login | null,
  purpose: LoginPurpose,
  signal: AbortSignal,
): Promise<CredentialsTested> => (await able(spec, (kind) => kind.login)).test(spec, login, purpose, signal);

/** How a VM differs from what it was. @throws SendenseError `request.invalid`, `source.missing`, `vsphere.*` */
export const specChanges = async (
  spec: SourceSpec,
  options: DiscoverOptions,
  since: VmConfig,
): Promise<VmSpecChanges> => (await able(spec, (kind) => kind.specChanges))(spec, options, since);

/** What only some kinds have. @throws SendenseError `request.invalid` with the types that have it */
async function able<A>(spec: SourceSpec, ability: (kind: Source) => A | null): Promise<A> {
  const own = ability(await kindOf(spec));
  if (own !== null) return own;
  const all = (await Promise.all(Object.values(kinds).map((kind) => kind()))) as Source[];
  const types = all.filter((kind) => ability(kind) !== null).map(({ type }) => type);
  throw new SendenseError('request.invalid', `/source is not of type ${types.join(' or ')}`, {
    details: { field: '/source/type' },
  });
}

/** How the login of a request was refused lately; null where it was not. */
export async function refusalOf(request: JobRequest, refused: RefusedLogins): Promise<SendenseError | null> {
  const account = await accountOf(request);
  return account && refused.refusal(account);
}

/** Another process was refused with the login of this request. */
export async function noteRefused(request: JobRequest, refused: RefusedLogins): Promise<void> {
  const account = await accountOf(request);
  if (account) refused.note(account);
}

async function accountOf(request: JobRequest): Promise<LoginName | null> {
  const spec = sourceOf(request);
  const login = loginOf(request);
  return (login && (await kindOf(spec)).login?.account(spec, login)) ?? null;
}

type LoginRequest = { readonly source?: SourceSpec | null } & Parameters<typeof flatLogin>[0];

/** A request that starts a job, in whatever form. */
export type JobRequest = { readonly source?: SourceSpec } & Partial<FlatRequest> & Parameters<typeof flatLogin>[0];

/** Who logs in at the source of a request, in whatever form. @param refused what this process knows of refused passwords */
export function loginOf(request: LoginRequest, refused?: RefusedLogins): Login | null {
  const account = request.source ? hubKindOf(request.source).login?.fromWire(request) : flatLogin(request);
  return account ? { ...account, refused } : null;
}
