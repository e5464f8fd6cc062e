import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  CbtStatus,
  CredentialsTested,
  CredentialsTestRequest,
  VmSpecChanges,
  VmSpecChangesRequest,
  VsphereSourceSpec,
  VsphereVm,
} from '../../schemas/types.ts';
import { loginOf, specChanges, testLogin } from '../sources/index.ts';
import { flatSource } from '../sources/vsphere/flat-request.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';
import { vsphereErrors } from './error-sets.ts';
import { defineRoute, type Call } from './route.ts';

// What speaks SOAP is loaded on first use: who reads images does not pay for it.

export const testCredentials = defineRoute<CredentialsTestRequest>({
  id: 'testCredentials',
  method: 'POST',
  path: '/api/v1/credentials/test',
  tag: 'source',
  summary: 'Whether a login works, and which privileges are missing',
  body: { schema: 'node/credentials-test.json', bytes: 256 * 1024 },
  answers: { 200: { description: 'The login works.', schema: 'node/credentials-tested.json' } },
  errors: vsphereErrors,
  handle: async ({ parts: node, body, signal }): Promise<CredentialsTested> => {
    return testLogin(body.source, loginOf(body, node.refused), body.purpose ?? 'backup', signal);
  },
});

export const cbtStatus = defineRoute({
  id: 'cbtStatus',
  method: 'GET',
  path: '/api/v1/vms/{path}/cbt-status',
  tag: 'source',
  summary: 'Changed block tracking of a VM',
  description: 'A GET has no body, so the login comes in headers.',
  params: {
    path: { description: 'Inventory path, percent-encoded as one segment, or a managed object id (`vm-57`).' },
  },
  headers: {
    'x-vcenter-host': { description: 'Host, or host:port.', required: true },
    'x-vcenter-user': { description: 'User, with its domain.', required: true },
    'x-vcenter-password': { description: 'Password; never logged.', required: true },
    'x-vcenter-thumbprint': { description: 'SHA-256 of the certificate, hex with colons.' },
  },
  answers: { 200: { description: 'What is tracked, and what speaks against it.', schema: 'node/cbt-status.json' } },
  errors: ['source.missing', ...vsphereErrors],
  handle: async ({ parts: node, header, params, signal }): Promise<CbtStatus> => {
    const { spec, login } = fromHeaders(header, params['path'] ?? '', node.refused);
    const { discoverVm } = await import('../sources/vsphere/vsphere-source.ts');
    return cbtStatusOf(await discoverVm(spec, { vmName: '', login, signal }));
  },
});

export const vmSpecChanges = defineRoute<VmSpecChangesRequest>({
  id: 'vmSpecChanges',
  method: 'POST',
  path: '/api/v1/vm-spec-changes',
  tag: 'source',
  summary: 'What changed in the configuration of a VM',
  description:
    'Compares the VM as it is with a configuration of before, in what somebody set up: not in what changes by itself while the ' +
    'VM runs (its files, `guestinfo`, whether an adapter is connected). Devices are compared by key, whatever their order.',
  body: { schema: 'node/vm-spec-changes.json', bytes: 8 * 1024 * 1024 },
  answers: { 200: { description: 'The differences.', schema: 'node/vm-spec-changed.json' } },
  errors: ['source.missing', ...vsphereErrors],
  handle: async ({ parts: node, body, signal }): Promise<VmSpecChanges> => {
    const options = { vmName: body.vm_name ?? '', login: loginOf(body, node.refused), signal };
    return specChanges(body.source, options, body.since);
  },
});

/** A path that does not start with a slash is a managed object id. */
function fromHeaders(
  headerOf: Call['header'],
  path: string,
  refused: RefusedLogins,
): { spec: VsphereSourceSpec; login: ReturnType<typeof loginOf> } {
  const header = (name: string): string | null => headerOf(`x-vcenter-${name}`) || null;
  for (const name of ['host', 'user', 'password']) {
    if (header(name) === null)
      throw new SendenseError('request.invalid', `the header x-vcenter-${name} is missing`, {
        details: { field: `x-vcenter-${name}` },
      });
  }
  const isMoref = !path.includes('/');
  const spec = flatSource({
    vm_name: path,
    vm_path: isMoref ? null : path,
    vcenter_host: header('host'),
    vcenter_user: header('user'),
    vcenter_thumbprint: header('thumbprint'),
  });
  return {
    spec: { ...spec, moref: isMoref ? path : null },
    login: loginOf({ vcenter_user: header('user'), vcenter_password: header('password') }, refused),
  };
}

const cbtStatusOf = (vm: VsphereVm): CbtStatus => ({
  vm_name: vm.name,
  path: vm.path,
  moref: vm.moref,
  ...vm.cbt,
  disks: vm.disks.map(({ key, label, uuid, change_id, protected: isProtected }) => ({
    key,
    label,
    uuid,
    change_id,
    protected: isProtected,
  })),
  snapshots: vm.snapshots,
  findings: vm.findings,
});
