import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeClient } from '../../../src/host/node-api/node-client.ts';
import { isPortFree } from '../../../src/host/net/port-probe.ts';
import { linkFolder, requireEnrolment, writeEnrolment } from '../../../src/node/link/enrolment-files.ts';
import type { Link } from '../../../src/node/link/keep-link.ts';
import { readLinkStatus } from '../../../src/node/link/link-files.ts';
import { renameNode, requireNode, revokeNode } from '../../../src/state/nodes/nodes.ts';
import type { LinkStatus } from '../../../src/schemas/types.ts';
import { cuttableLink } from '../../host/cuttable-link.ts';
import { freePort } from '../../support/free-ports.ts';
import { nodeSocket } from '../../../src/hub/nodes/node-sockets.ts';
import { until } from '../support.ts';
import { apiToken, nodeBench } from './node-bench.ts';

const inState = (link: Link, state: LinkStatus['state']): Promise<LinkStatus> =>
  until(() => link.status().state === state && link.status(), `the link is ${state}`);

test.each(['openssh', 'ssh2'] as const)(
  'the hub reaches the API of the node through it, and it says how it is (%s)',
  async (program) => {
    await using at = await nodeBench();
    await at.enroll('site-b');
    await using api = await at.api();
    {
      await using link = await at.link(api.address, { program });
      const status = await inState(link, 'up');
      const { reversePort } = requireNode(at.hub.state, 'site-b');
      const client = nodeClient({ url: `unix:${nodeSocket(at.hub.state.path, reversePort)}`, token: apiToken });
      expect((await client.health()).version).toBe(status.hub_version);
      expect(status).toMatchObject({
        name: 'site-b',
        program,
        connections: 1,
        attempts: 0,
        last_error: null,
        hub: `127.0.0.1:${at.hub.port}`,
        process: { pid: process.pid },
      });
      expect(Math.abs(status.clock_skew_ms ?? Infinity)).toBeLessThan(5000);
      await until(() => link.status().data.state === 'up', 'the way of the disks');
      expect(link.status().data.way).toBe(program === 'openssh' ? 'connection' : 'tunnel');
      for (const port of [at.hub.places.nbdPorts.from, at.hub.places.nbdPorts.to, at.hub.places.api.port])
        expect(await isPortFree(port)).toBe(false);
      expect(await until(async () => (await readLinkStatus(at.stateDir))?.state === 'up', 'status file')).toBe(true);
    }
    expect(await readLinkStatus(at.stateDir)).toMatchObject({ state: 'stopped', connected_since: null });
    expect(await isPortFree(at.hub.places.nbdPorts.from)).toBe(true);
  },
  300_000,
);

test('a second process does not take the link away from the first, and names it', async () => {
  await using at = await nodeBench();
  await at.enroll();
  await using link = await at.link({ host: '127.0.0.1', port: 8081 });
  await inState(link, 'up');
  await until(async () => (await readLinkStatus(at.stateDir))?.state === 'up', 'status file');
  await expect(at.link({ host: '127.0.0.1', port: 8081 })).rejects.toMatchObject({
    code: 'link.running',
    message: expect.stringContaining(`process ${process.pid}`) as string,
  });
});

test('a node that is not enrolled is told how', async () => {
  await using at = await nodeBench();
  await expect(at.link({ host: '127.0.0.1', port: 8081 })).rejects.toMatchObject({
    code: 'link.none',
    remedy: expect.stringContaining('sendense-run node add') as string,
  });
  await at.enroll();
  await writeFile(join(linkFolder(at.stateDir), 'hub.json'), '{"version":1}');
  await expect(at.link({ host: '127.0.0.1', port: 8081 })).rejects.toMatchObject({ code: 'link.damaged' });
});

test('a port here that is taken is named with the process that holds it, and tried again', async () => {
  await using at = await nodeBench();
  const { nbd_ports: nbd } = await at.enroll();
  const squatter = createServer().listen(nbd.to, '127.0.0.1');
  await once(squatter, 'listening');
  await using link = await at.link({ host: '127.0.0.1', port: 8081 });
  const down = await inState(link, 'down');
  expect(down.last_error).toMatchObject({
    code: 'ssh.forward',
    message: expect.stringMatching(new RegExp(`${nbd.to}.*process ${process.pid}`)) as string,
  });
  squatter.close();
  await inState(link, 'up');
}, 300_000);

test('ports that the hub has changed are taken over without a restart', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll('site-b');
  // What an earlier enrolment may have said: the hub refuses this reverse port, and knows fewer disks' ports.
  const stale = {
    ...enrolment,
    reverse_port: await freePort(),
    nbd_ports: { ...enrolment.nbd_ports, to: enrolment.nbd_ports.from },
  };
  await writeEnrolment(at.stateDir, stale);
  await using link = await at.link({ host: '127.0.0.1', port: 8081 });
  const status = await inState(link, 'up');
  expect(status).toMatchObject({ reverse_port: enrolment.reverse_port, nbd_ports: enrolment.nbd_ports });
  expect(await requireEnrolment(at.stateDir)).toEqual(enrolment);
}, 300_000);

test('a new name at the hub is taken over, a revoked key is an error with a way out, and a new enrolment heals it', async () => {
  await using at = await nodeBench();
  await at.enroll('site-b');
  {
    await using link = await at.link({ host: '127.0.0.1', port: 8081 });
    await inState(link, 'up');
  }
  renameNode(at.hub.state, 'site-b', 'site-c');
  await using link = await at.link({ host: '127.0.0.1', port: 8081 });
  await until(() => link.status().name === 'site-c', 'the new name');
  await until(async () => (await requireEnrolment(at.stateDir)).name === 'site-c', 'the new name in hub.json');
  await inState(link, 'up');
  revokeNode(at.hub.state, 'site-c');
  await until(() => link.status().last_error?.code === 'ssh.key', 'the refusal');
  expect(link.status()).toMatchObject({ state: 'down', connected_since: null });
  await at.enroll('site-d', { force: true });
  expect(await inState(link, 'up')).toMatchObject({ name: 'site-d' });
}, 300_000);

test('no secret reaches the log', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll();
  await using link = await at.link({ host: '127.0.0.1', port: 8081 });
  await inState(link, 'up');
  const key = await readFile(join(linkFolder(at.stateDir), enrolment.key_file), 'utf8');
  const text = JSON.stringify([...at.logged, ...at.hub.log]);
  expect(text).toContain('linked with the hub');
  expect(text).not.toContain(apiToken);
  for (const line of key.split('\n').slice(1, -2)) expect(text).not.toContain(line);
});

test('a line that breaks is made again, and what it broke for stays to be seen', async () => {
  await using at = await nodeBench();
  await at.enroll();
  await using api = await at.api();
  const hub = { host: '127.0.0.1', port: await freePort() };
  await using line = await cuttableLink(hub, { host: '127.0.0.1', port: at.hub.port });
  await using link = await at.link(api.address, { hub });
  expect(await inState(link, 'up')).toMatchObject({ hub: `127.0.0.1:${hub.port}`, connections: 1 });
  await line.cut();
  const down = await inState(link, 'down');
  expect(down.last_error?.code).toMatch(/^ssh\.(lost|unreachable)$/);
  expect(down.connected_since).toBeNull();
  await line.mend();
  expect(await inState(link, 'up')).toMatchObject({ connections: 2, attempts: 0, last_error: down.last_error });
  const client = nodeClient({
    url: `unix:${nodeSocket(at.hub.state.path, requireNode(at.hub.state, 'site-b').reversePort)}`,
    token: apiToken,
  });
  expect((await client.health()).status).toBe('ok');
}, 300_000);

test('a hub with another host key gets nothing, and a key that others can read is not used', async () => {
  await using at = await nodeBench();
  await using other = await nodeBench();
  const enrolment = await at.enroll();
  {
    await using link = await at.link(
      { host: '127.0.0.1', port: 8081 },
      { hub: { host: '127.0.0.1', port: other.hub.port } },
    );
    await until(() => link.status().last_error?.code === 'ssh.host-key', 'the refusal');
  }
  expect(other.hub.log.some(({ message }) => message === 'connected')).toBe(false);
  await chmod(join(linkFolder(at.stateDir), enrolment.key_file), 0o644);
  await expect(at.link({ host: '127.0.0.1', port: 8081 })).rejects.toMatchObject({
    code: 'link.damaged',
    message: expect.stringContaining('mode 0644') as string,
  });
});
