import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import type {
  CbtStatus,
  CredentialsTested,
  CredentialsTestRequest,
  VsphereSourceSpec,
  VsphereVm,
} from '../schemas/types.ts';
import { checkBody } from './check-body.ts';
import { loginOf } from './sources/index.ts';
import { sourceOf } from './sources/request-source.ts';

/** Routes about a vCenter that need no job. SOAP is loaded on first use. */
export function addVsphereRoutes(app: FastifyInstance, goneSignal: (reply: FastifyReply) => AbortSignal): void {
  app.post('/api/v1/credentials/test', async (request, reply): Promise<CredentialsTested> => {
    const body = checkBody<CredentialsTestRequest>('node/credentials-test.json', request.body);
    const { testLogin } = await import('./sources/vsphere/test-login.ts');
    return testLogin(onlyVsphere(body.source), loginOf(body), goneSignal(reply));
  });

  app.get<{ Params: { path: string } }>('/api/v1/vms/:path/cbt-status', async (request, reply): Promise<CbtStatus> => {
    const { spec, login } = fromHeaders(request, request.params.path);
    const { discoverVm } = await import('./sources/vsphere/vsphere-source.ts');
    return cbtStatusOf(await discoverVm(spec, { vmName: '', login, signal: goneSignal(reply) }));
  });
}

/**
 * A GET has no body, so what to log in with comes in headers: `x-vcenter-host`, `x-vcenter-user`, `x-vcenter-password` and
 * `x-vcenter-thumbprint`. A path that does not start with a slash is a managed object id.
 */
function fromHeaders(
  request: FastifyRequest,
  path: string,
): { spec: VsphereSourceSpec; login: ReturnType<typeof loginOf> } {
  const header = (name: string): string | null => {
    const value = request.headers[`x-vcenter-${name}`];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  for (const name of ['host', 'user', 'password']) {
    if (header(name) === null)
      throw new SendenseError('request.invalid', `the header x-vcenter-${name} is missing`, {
        details: { field: `x-vcenter-${name}` },
      });
  }
  const isMoref = !path.includes('/');
  const spec = onlyVsphere(
    sourceOf({
      vm_name: path,
      vm_path: isMoref ? null : path,
      vcenter_host: header('host'),
      vcenter_user: header('user'),
      vcenter_thumbprint: header('thumbprint'),
    }),
  );
  return {
    spec: { ...spec, moref: isMoref ? path : null },
    login: loginOf({ vcenter_user: header('user'), vcenter_password: header('password') }),
  };
}

function onlyVsphere(source: ReturnType<typeof sourceOf>): VsphereSourceSpec {
  if (source.type === 'vsphere') return source;
  throw new SendenseError('request.invalid', '/source is not of type vsphere', { details: { field: '/source/type' } });
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
