import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { letProve } from '../../src/api/let-prove.ts';
import type {
  CredentialsTested,
  CredentialsTestRequest,
  Discovered,
  DiscoverRequest,
  ErrorOutput,
  Inventory,
  VsphereVm,
} from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';

export const nodeToken = 'token-of-the-fake-node';

export interface FakeNode extends AsyncDisposable {
  readonly url: string;
  /** Bodies that came, each as its schema wants it. */
  readonly requests: (DiscoverRequest | CredentialsTestRequest)[];
}

export interface NodeAnswers {
  inventory?(request: DiscoverRequest): Inventory | ErrorOutput;
  discover?(request: DiscoverRequest): Discovered | ErrorOutput;
  test?(request: CredentialsTestRequest): CredentialsTested | ErrorOutput;
}

/** A node that knows the routes about sources, and nothing behind them. */
export async function fakeNode(answers: NodeAnswers): Promise<FakeNode> {
  const requests: FakeNode['requests'] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as unknown;
    const answer = answerTo(`${request.method} ${request.url}`, body, answers, requests);
    const failed = answer !== undefined && 'code' in answer;
    response.writeHead(answer === undefined ? 404 : failed ? 422 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(failed ? { error: answer } : answer));
  });
  letProve(server, { token: nodeToken, withinMs: 10_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answerTo(
  route: string,
  body: unknown,
  answers: NodeAnswers,
  requests: FakeNode['requests'],
): Inventory | Discovered | CredentialsTested | ErrorOutput | undefined {
  const schema = { 'POST /api/v1/discover': 'discover', 'POST /api/v1/credentials/test': 'credentials-test' }[route];
  if (schema === undefined) return undefined;
  const validate = validatorOf(`node/${schema}.json`);
  if (!validate(body)) throw new Error(`${route}: ${describeErrors(validate.errors)}`);
  requests.push(body as DiscoverRequest);
  if (schema === 'credentials-test') return answers.test?.(body as CredentialsTestRequest);
  const discover = body as DiscoverRequest;
  return discover.vm_name === null ? answers.inventory?.(discover) : answers.discover?.(discover);
}

export const about: Inventory['about'] = {
  api_type: 'VirtualCenter',
  api_version: '8.0.2.0',
  full_name: 'VMware vCenter Server 8.0.2',
  instance_uuid: '00000000-0000-0000-0000-000000000001',
};

const gib = 1024 ** 3;

export const vsphereDisk = (more: Partial<VsphereVm['disks'][number]> = {}): VsphereVm['disks'][number] => ({
  key: 2000,
  label: 'Hard disk 1',
  address: 'scsi0:0',
  controller_key: 1000,
  controller_type: 'ParaVirtualSCSIController',
  unit: 0,
  uuid: '6000C290-0000-0000-0000-000000000001',
  capacity_bytes: 16 * gib,
  mode: 'persistent',
  backing: 'flat',
  thin: true,
  datastore: 'datastore1',
  file: '[datastore1] pgtest1/pgtest1.vmdk',
  has_parent: false,
  sharing: null,
  change_id: null,
  protected: true,
  not_protected_reason: null,
  ...more,
});

export const vsphereVm = (name: string, moref: string, more: Partial<VsphereVm> = {}): VsphereVm => ({
  path: `/DC1/vm/${name}`,
  moref,
  name,
  instance_uuid: '50000000-0000-0000-0000-000000000001',
  bios_uuid: null,
  template: false,
  power_state: 'poweredOn',
  connection_state: 'connected',
  guest: 'Debian GNU/Linux 12 (64-bit)',
  hardware_version: 'vmx-19',
  tools: 'running',
  host: 'esx1.example.com',
  datacenter: 'DC1',
  cbt: { supported: true, enabled: true },
  disks: [vsphereDisk()],
  snapshots: [],
  consolidation_needed: false,
  last_revert: null,
  findings: [],
  ...more,
});
