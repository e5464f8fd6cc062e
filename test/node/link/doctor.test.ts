import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { portHolder } from '../../../src/host/net/port-holder.ts';
import { runDoctor } from '../../../src/node/doctor/run-doctor.ts';
import { checkLargePackets, checkVersions } from '../../../src/node/doctor/hub-checks.ts';
import { askHub } from '../../../src/node/link/hub-answers.ts';
import { serverOf } from '../../../src/node/link/link-forwards.ts';
import { keyFileOf, requireEnrolment, writeEnrolment } from '../../../src/node/link/enrolment-files.ts';
import type { ListenAddress } from '../../../src/node/listen-address.ts';
import { loadNodeSettings } from '../../../src/node/node-settings.ts';
import { version } from '../../../src/schemas/package.ts';
import { validatorOf } from '../../../src/schemas/validator.ts';
import type { DoctorOutput, LinkWelcome } from '../../../src/schemas/types.ts';
import { revokeNode } from '../../../src/state/nodes/nodes.ts';
import { freePort, freePorts } from '../../support/free-ports.ts';
import { startSshd, type Sshd } from '../../support/sshd.ts';
import { until } from '../support.ts';
import { server } from '../../host/ssh/tunnel-workshop.ts';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { nodeBench, type NodeBench } from './node-bench.ts';

async function examine(at: NodeBench, listen: ListenAddress = { host: '127.0.0.1', port: 1 }): Promise<DoctorOutput> {
  const settings = loadNodeSettings({ stateDir: at.stateDir, listen }, '/nonexistent');
  const output = await runDoctor({ settings, signal: new AbortController().signal });
  expect(validatorOf('output/doctor.json')(output)).toBe(true);
  return output;
}

const found = ({ checks }: DoctorOutput): Record<string, string> =>
  Object.fromEntries(checks.map(({ id, result }) => [id, result]));
const about = ({ checks }: DoctorOutput, id: string): DoctorOutput['checks'][number] =>
  checks.find((check) => check.id === id) ?? expect.unreachable(`no check ${id}`);

test('before the enrolment it says what is there and what is missing', async () => {
  await using at = await nodeBench();
  const output = await examine(at);
  expect(found(output)).toEqual({ tools: 'ok', ssh: 'ok', state: 'ok', token: 'ok', api: 'fail', enrolment: 'warn' });
  expect(about(output, 'enrolment').remedy).toContain('sendense-run node add');
  expect(output.result).toBe('fail');
});

test('with the link down it tries each step and each forward by itself', async () => {
  await using at = await nodeBench();
  const { hub_api_port: port } = await at.enroll();
  await using api = await at.api();
  const output = await examine(at, api.address);
  expect(found(output)).toEqual({
    'tools': 'ok',
    'ssh': 'ok',
    'state': 'ok',
    'token': 'ok',
    'api': 'ok',
    'enrolment': 'ok',
    'dns': 'ok',
    'tcp': 'ok',
    'link': 'warn',
    'ports': 'ok',
    'host-key': 'ok',
    'key': 'ok',
    'session': 'ok',
    'mtu': 'ok',
    'clock': 'ok',
    'forward.reverse': 'ok',
    'forward.nbd': 'ok',
    'forward.hub-api': 'warn',
  });
  await using _hubApi = await server(port, (socket) => void socket.end('HTTP/1.0 401 Unauthorized\r\n\r\n'));
  const again = await examine(at, api.address);
  expect(found(again)).toMatchObject({ 'forward.hub-api': 'ok', 'ports': 'fail' });
  expect(about(again, 'ports').message).toContain(`${port} by ${portHolder(port)}`);
});

test('a link that is up is not cut, and proves what it proves', async () => {
  await using at = await nodeBench();
  await at.enroll();
  await using api = await at.api();
  await using link = await at.link(api.address);
  await until(() => link.status().state === 'up', 'up');
  const output = await examine(at, api.address);
  expect(found(output)).toMatchObject({
    'host-key': 'ok',
    'key': 'ok',
    'ports': 'ok',
    'mtu': 'ok',
    'forward.reverse': 'skipped',
  });
  expect(link.status()).toMatchObject({ state: 'up', connections: 1 });
});

test('a hub that is not there, another host key, a revoked key', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll();
  const edit = (hub: Partial<typeof enrolment.hub>): Promise<void> =>
    writeEnrolment(at.stateDir, { ...enrolment, hub: { ...enrolment.hub, ...hub } });
  await edit({ host: 'hub.invalid' });
  const noName = await examine(at);
  expect(about(noName, 'dns')).toMatchObject({ result: 'fail', code: 'ssh.unreachable' });
  expect(found(noName)).not.toHaveProperty('tcp');
  await edit({ port: await freePort() });
  expect(about(await examine(at), 'tcp')).toMatchObject({ result: 'fail', code: 'ssh.unreachable' });
  await edit({ host_key: makeKeyPair('x').publicKey });
  const otherKey = await examine(at);
  expect(about(otherKey, 'host-key')).toMatchObject({ result: 'fail', code: 'ssh.host-key' });
  expect(found(otherKey)).not.toHaveProperty('key');
  await edit({});
  revokeNode(at.hub.state, enrolment.name);
  const revoked = await examine(at);
  expect(found(revoked)).toMatchObject({ 'host-key': 'ok', 'key': 'fail' });
  expect(about(revoked, 'key').code).toBe('ssh.key');
});

test('a hub whose version does not fit is told of, with what to upgrade', () => {
  expect(checkVersions('site-b', version)).toMatchObject({ result: 'ok' });
  expect(checkVersions('site-b', '9.7.3')).toMatchObject({
    result: 'warn',
    message: expect.stringContaining('do not belong together: upgrade the node') as string,
  });
});

test('on an OpenSSH hub, each forward that authorized_keys forbids is found', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll();
  const [nbd = 0, api = 0, reverse = 0] = await freePorts(3);
  const welcome: LinkWelcome = {
    version: 1,
    name: 'site-b',
    reverse_port: reverse,
    nbd_address: '127.83.35.121',
    nbd_ports: { from: nbd, to: nbd },
    hub_api_port: api,
    data: 'tunnel',
    hub_version: '0.1.0',
    time: Date.now(),
  };
  const script = at.hub.folder.file('link.sh');
  await writeFile(script, `#!/bin/sh\nread line\necho '${JSON.stringify(welcome)}'\ncat\n`, { mode: 0o755 });
  let servers = 0;
  const results = async (keyOptions: string): Promise<Record<string, string>> => {
    const folder = at.hub.folder.file(`sshd-${servers++}`);
    await mkdir(folder);
    await using sshd: Sshd = await startSshd(folder, { keyOptions, config: [`ForceCommand ${script}`] });
    const { host, port, user, hostKeys } = sshd.server;
    await writeFile(join(at.stateDir, 'link', 'id_ed25519.test'), await readFile(sshd.keyFile), { mode: 0o600 });
    await writeEnrolment(at.stateDir, {
      ...(await requireEnrolment(at.stateDir)),
      hub: { host, port, user, host_key: hostKeys[0] ?? '' },
      key_file: 'id_ed25519.test',
    });
    const all = found(await examine(at));
    return { reverse: all['forward.reverse'] ?? '', nbd: all['forward.nbd'] ?? '', api: all['forward.hub-api'] ?? '' };
  };
  expect(enrolment.name).toBe('site-b');
  const open = (port: number, host = '127.0.0.1'): string => `permitopen="${host}:${port}"`;
  const listen = `permitlisten="127.0.0.1:${reverse}"`;
  expect(await results(`restrict,port-forwarding,${open(nbd, welcome.nbd_address)},${open(api)},${listen}`)).toEqual({
    reverse: 'ok',
    nbd: 'ok',
    api: 'warn',
  });
  expect(await results(`restrict,port-forwarding,${open(api)},${listen}`)).toEqual({
    reverse: 'ok',
    nbd: 'fail',
    api: 'warn',
  });
  expect(
    await results(`restrict,port-forwarding,${open(nbd, welcome.nbd_address)},permitlisten="127.0.0.1:1"`),
  ).toEqual({
    reverse: 'fail',
    nbd: 'ok',
    api: 'fail',
  });
}, 300_000);

test('a line that lets no packet of full size through is found, with the way out', { timeout: 300_000 }, async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll();
  const sockets: Socket[] = [];
  const line = createServer((socket) => {
    const onward = connect(at.hub.port, '127.0.0.1');
    sockets.push(socket, onward);
    for (const one of [socket, onward]) one.on('error', () => {});
    onward.pipe(socket);
    let lost = false;
    // What is large is lost, and after it nothing comes in order any more.
    socket.on('data', (data: Buffer) => {
      lost ||= data.length > 3000;
      if (!lost) onward.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  const { port } = line.address() as AddressInfo;
  const hub = serverOf(enrolment, { host: '127.0.0.1', port });
  const key = await readFile(await keyFileOf(at.stateDir, enrolment));
  expect((await askHub(hub, key, { timeoutMs: 20_000 })).welcome.name).toBe('site-b');
  const { signal } = new AbortController();
  expect(await checkLargePackets({ host: '127.0.0.1', port: at.hub.port }, { signal })).toMatchObject({ result: 'ok' });
  const finding = await checkLargePackets({ host: '127.0.0.1', port }, { signal, timeoutMs: 3000 });
  expect(finding).toMatchObject({ result: 'fail', remedy: expect.stringContaining('ping -M do') as string });
  for (const socket of sockets) socket.destroy();
  line.close();
  await once(line, 'close');
});
