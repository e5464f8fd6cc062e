/** What the node says of the way to the disks of its hub, and what the hub makes of it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { explainRefusal, requirePortsThere, requireReach } from '../../src/hub/nodes/check-data-path.ts';
import { freePorts } from '../support/free-ports.ts';
import { raw } from './raw-request.ts';
import { testNode, workshop } from './support.ts';

async function held(port: number, host = '127.0.0.1', says = ''): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.on('error', () => {}).end(says)).listen(port, host);
  await once(server, 'listening');
  return { [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}

const code = (expected: string, message: RegExp): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) as string });

test('a port that is held at the node is named with who holds it; one that is let go is waited for', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const [free = 0, taken = 0] = await freePorts(2);
  const holder = await held(taken);
  expect(await node.api.testDataPath({ ports: [free, taken] })).toEqual({
    held: [{ port: taken, holder: expect.stringContaining(`process ${process.pid})`) as string }],
    problem: null,
  });
  const refused = new SendenseError('ssh.forward', 'refused', { details: { port: taken } });
  expect(await explainRefusal(async () => node.api, refused, undefined)).toEqual(
    code('ssh.forward', new RegExp(`port ${taken} is taken there: .*process ${process.pid}\\) holds it`)),
  );
  const allowed = new SendenseError('ssh.forward', 'refused', { details: { port: free } });
  expect(await explainRefusal(async () => node.api, allowed, undefined)).toMatchObject({
    message: expect.stringContaining('does not let the hub listen') as string,
    remedy: expect.stringContaining(`permitlisten="127.0.0.1:${free}"`) as string,
  });
  const asked = requirePortsThere(
    {
      ...node.api,
      testDataPath: async (request) => {
        const answer = await node.api.testDataPath(request);
        await holder[Symbol.asyncDispose]();
        return answer;
      },
    },
    [taken],
    undefined,
  );
  await expect(asked).resolves.toBeUndefined();
});

test('an address at which the node reaches the hub is told from one of somebody else, and from none', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const ports = await freePorts(2);
  const reach = (data: { listen: string; host: string }): Promise<void> =>
    requireReach(node.api, { ...data, tls: 'none' }, ports, undefined);
  await reach({ listen: '127.0.0.2', host: '127.0.0.2' });
  await reach({ listen: '0.0.0.0', host: 'localhost' });
  // The first of the ports is another program's.
  await using _first = await held(ports[0] ?? 0, '127.0.0.2');
  await reach({ listen: '127.0.0.2', host: '127.0.0.2' });
  await expect(reach({ listen: '127.0.0.3', host: '127.0.0.4' })).rejects.toEqual(
    code('data.unreachable', /does not reach this hub at 127\.0\.0\.4:[0-9]+ .*ECONNREFUSED/),
  );
  await expect(reach({ listen: '127.0.0.3', host: 'no-such-host.invalid' })).rejects.toEqual(
    code('data.unreachable', /no-such-host\.invalid:/),
  );
  await expect(reach({ listen: '192.0.2.10', host: '127.0.0.1' })).rejects.toEqual(
    code('settings.invalid', /cannot listen on 192\.0\.2\.10/),
  );
  await using _other = await held(ports[0] ?? 0, '127.0.0.4', 'SSH-2.0-somebody else who says enough\r\n');
  await expect(reach({ listen: '127.0.0.3', host: '127.0.0.4' })).rejects.toEqual(
    code('data.unreachable', /something else answers there/),
  );
});

test('a node that does not know the question is not asked further, and a wrong question is refused', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const unknown = async (): Promise<never> => {
    throw new SendenseError('request.invalid', 'there is no such request', { details: { status: 404 } });
  };
  await expect(requirePortsThere({ ...node.api, testDataPath: unknown }, [1], undefined)).resolves.toBeUndefined();
  for (const [body, field] of [
    [{ ports: [0] }, '/ports/0'],
    [{ connect: { host: '127.0.0.1', port: 1, word: 'x' } }, '/connect/word'],
    [{ everything: true }, '/everything'],
  ] as const) {
    const answer = await raw(node, 'POST', '/api/v1/data-path/test', JSON.stringify(body));
    expect([answer.status, answer.body.field]).toEqual([400, field]);
  }
});
