import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import type { ImageKey } from '../../../src/host/images/image-options.ts';
import { contentStream } from '../../../src/host/images/locked-file.ts';
import { nodeClient, type NodeClient } from '../../../src/host/node-api/node-client.ts';
import type { BackupStartRequest, DiscoverRequest, JobStatus, NodeHealth } from '../../../src/schemas/types.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const token = 't0ken-of-the-test';

const health: NodeHealth = {
  status: 'ok',
  version: '0.1.0',
  time: 1,
  tools: [{ name: 'qemu-nbd', version: '7.2' }],
  jobs_running: 0,
};

const status: JobStatus = {
  job_id: 'j1',
  vm_name: 'vm',
  status: 'running',
  started: 1,
  finished: null,
  updated: 1,
  error: null,
  warnings: [],
  disks: [],
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

interface TestNode extends AsyncDisposable {
  readonly url: string;
  readonly client: NodeClient;
  readonly seen: string[];
}

const listening = async (
  server: ReturnType<typeof createTcp>,
  where: { port: number } | { path: string },
): Promise<void> => {
  server.listen('port' in where ? { port: where.port, host: '127.0.0.1' } : where);
  await once(server, 'listening');
};

async function node(answer: Answer, more: { path?: string; silenceMs?: number } = {}): Promise<TestNode> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    void answer(request, response);
  });
  await listening(server, more.path === undefined ? { port: 0 } : { path: more.path });
  const url =
    more.path === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${more.path}`;
  return {
    url,
    seen,
    client: nodeClient({
      url,
      token,
      peer: 'ours',
      ...(more.silenceMs === undefined ? {} : { silenceMs: more.silenceMs }),
    }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const says =
  (value: unknown, code = 200): Answer =>
  (_request, response) =>
    void response
      .writeHead(code, { 'content-type': 'application/json' })
      .end(typeof value === 'string' ? value : JSON.stringify(value));

describe('a call', () => {
  test('works over TCP and over a Unix socket', async () => {
    await using folder = await temporaryFolder();
    await using tcp = await node(says(status));
    await using unix = await node(says(status), { path: folder.file('node.sock') });
    expect(await tcp.client.status('j 1')).toEqual(status);
    expect(await unix.client.status('j 1')).toEqual(status);
    expect(tcp.seen).toEqual(['GET /api/v1/status/j%201']);
  });

  test('health is checked against its schema', async () => {
    await using good = await node(says(health));
    expect(await good.client.health()).toEqual(health);
    await using bad = await node(says({ ...health, tools: 'none' }));
    await expect(bad.client.health()).rejects.toMatchObject({ code: 'node.protocol' });
  });

  test('sends its body as JSON of known length', async () => {
    let body = '';
    await using there = await node(async (request, response) => {
      body = (await buffer(request)).toString();
      expect(request.headers['content-length']).toBe(String(Buffer.byteLength(body)));
      says({ job_id: 'j' })(request, response);
    });
    await there.client.startBackup({ job_id: 'jä' } as BackupStartRequest).catch(() => undefined);
    expect(JSON.parse(body)).toEqual({ job_id: 'jä' });
  });

  test.each([
    ['50,000 disks', 50_000, 'has more than 4194304 bytes'],
    ['more disks than a VM can have', 1025, 'disks must NOT have more than 1024 items'],
  ])('an answer with %s is refused', async (_what, count, message) => {
    const disk = {
      key: '0',
      uuid: 'u',
      label: 'l',
      path: '/p',
      format: 'raw',
      capacity_bytes: 1,
      allocated_bytes: null,
      change_tracking: 'digest',
      change_id: null,
      changed_since: null,
      changed_bytes: null,
      still: false,
      warnings: [],
    };
    const disks = Array.from({ length: count }, (_, number) => ({ ...disk, key: String(number) }));
    await using there = await node(says({ vm_name: 'vm', disks, warnings: [] }));
    await expect(there.client.discover({ vm_name: 'vm' } as DiscoverRequest)).rejects.toMatchObject({
      code: 'node.protocol',
      message: expect.stringContaining(message) as string,
    });
    await using good = await node(says({ vm_name: 'vm', disks: disks.slice(0, 1024), warnings: [] }));
    expect((await good.client.discover({ vm_name: 'vm' } as DiscoverRequest)).disks).toHaveLength(1024);
  });

  test('what an error of a node says is cut where nobody would read it', async () => {
    const long = 'x'.repeat(1_000_000);
    await using there = await node(
      says({ error: { code: 'source.missing', message: long, remedy: long, position: null } }, 404),
    );
    await expect(there.client.status('j')).rejects.toMatchObject({
      code: 'source.missing',
      message: long.slice(0, 10_000),
      remedy: long.slice(0, 10_000),
    });
  });

  test('a wrong token is refused, and shows nowhere', async () => {
    await using there = await node(says(status));
    const error: unknown = await nodeClient({ url: there.url, token: 'wr0ng-token', peer: 'ours' })
      .status('j')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'node.refused' });
    expect(inspect(error, { depth: 10 })).not.toContain('wr0ng-token');
  });

  test('nobody there is out of reach', async () => {
    const server = createTcp();
    await listening(server, { port: 0 });
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const error: unknown = await nodeClient({ url: `http://127.0.0.1:${port}`, token })
      .status('j')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
    expect(inspect(error, { depth: 10 })).not.toContain(token);
    await expect(nodeClient({ url: 'unix:/nonexistent/sock', token }).status('j')).rejects.toMatchObject({
      code: 'node.unreachable',
    });
  });

  test('a node that says nothing, or stops in the middle, is out of reach', async () => {
    await using silent = await node(() => undefined, { silenceMs: 150 });
    await expect(silent.client.status('j')).rejects.toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining('no answer for 0.15 s') as string,
    });
    await using stuck = await node((_request, response) => void response.writeHead(200).write('{"job_id"'), {
      silenceMs: 150,
    });
    await expect(stuck.client.status('j')).rejects.toMatchObject({ code: 'node.unreachable' });
  });

  test('a node may be silent for longer while vCenter starts or removes a VM', async () => {
    const held: ServerResponse[] = [];
    await using there = await node((request, response) => void (request.method === 'POST' && held.push(response)), {
      silenceMs: 150,
    });
    const asked = { source: { type: 'vsphere' }, run: 'r' } as never;
    const calls = Promise.all([there.client.finishRestore(asked), there.client.undoRestore(asked)]);
    calls.catch(() => {});
    await vi.waitFor(() => expect(held).toHaveLength(2));
    await expect(there.client.status('j')).rejects.toThrow('no answer for 0.15 s');
    const answers = { finished: true, name: 'a', powered_on: true, warnings: [] };
    for (const response of held) {
      const isFinish = response.req.url?.endsWith('/finish') === true;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isFinish ? answers : { removed: 'a', kept: null }));
    }
    expect(await calls).toMatchObject([{ finished: true }, { removed: 'a' }]);
  });

  test.each(['GET', 'refusal'])(
    'a connection that breaks in the middle of an answer is out of reach (%s)',
    async (kind) => {
      await using there = await node((request, response) => {
        response.writeHead(kind === 'GET' ? 200 : 500, { 'content-length': 1000 });
        response.write('{', () => request.socket.destroy());
      });
      await expect(there.client.status('j')).rejects.toMatchObject({ code: 'node.unreachable' });
      await expect(there.client.log('j')).rejects.toMatchObject({ code: 'node.unreachable' });
    },
  );

  test('a node that wants to go on in another protocol is out of reach, and nobody waits for it', async () => {
    await using folder = await temporaryFolder();
    const server = createTcp((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => void socket.end('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'));
    });
    const path = folder.file('node.sock');
    await listening(server, { path });
    try {
      const client = nodeClient({ url: `unix:${path}`, token, peer: 'ours' });
      await expect(client.health()).rejects.toMatchObject({ code: 'node.unreachable' });
    } finally {
      server.close();
    }
  });

  test('something that is not HTTP is a protocol error', async () => {
    const server = createTcp(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('SSH-2.0-OpenSSH_9.2\r\n'),
    );
    await listening(server, { port: 0 });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await expect(nodeClient({ url, token, peer: 'ours' }).status('j')).rejects.toMatchObject({ code: 'node.protocol' });
    await expect(nodeClient({ url, token }).status('j')).rejects.toMatchObject({ code: 'node.unproven' });
    server.close();
    await once(server, 'close');
  });

  test.each([
    ['garbage', 'no json', 200],
    ['another form', { hello: 1 }, 200],
    ['an error page', '<html>Bad Gateway</html>', 502],
    ['an error in another form', { error: 'broken' }, 500],
    ['an unknown code', { error: { code: 'toString', message: 'x', remedy: 'y', position: null }, field: null }, 500],
    ['a redirect', '', 302],
  ])('%s is a protocol error', async (_name, value, code) => {
    await using there = await node(says(value, code));
    await expect(there.client.status('j')).rejects.toMatchObject({
      code: 'node.protocol',
      message: expect.stringContaining('GET /api/v1/status/j') as string,
    });
  });

  test("the node's own error keeps code, message and remedy", async () => {
    const error = { code: 'source.busy', message: 'disk0.raw is in use', remedy: 'stop it', position: null };
    await using there = await node(says({ error }, 409));
    await expect(
      there.client.discover({ vm_name: 'vm', source: { type: 'image', disks: [] as never } }),
    ).rejects.toMatchObject({
      code: 'source.busy',
      message: error.message,
      remedy: error.remedy,
      details: { status: 409 },
    });
  });

  test('an abort ends it with the reason, before and in the middle', async () => {
    await using there = await node((_request, response) => void response.writeHead(200).write('{'));
    const reason = new Error('enough');
    await expect(there.client.status('j', AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const calling = there.client.status('j', controller.signal);
    await expect.poll(() => there.seen.length).toBeGreaterThan(0);
    controller.abort(reason);
    await expect(calling).rejects.toBe(reason);
  });
});

describe('block indexes', () => {
  const data = Buffer.alloc(3_000_000, 'index');
  const sha256 = createHash('sha256').update(data).digest('hex');

  test('go there and come back unchanged', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('up'), data);
    let got: Buffer = Buffer.alloc(0);
    await using there = await node(async (request, response) => {
      if (request.method === 'PUT') {
        got = await buffer(request);
        response.writeHead(204).end();
      } else response.writeHead(200).end(data);
    });
    await there.client.putIndex(sha256, folder.file('up'));
    expect(got.equals(data)).toBe(true);
    await there.client.getIndex('j', 'k 1', folder.file('down'));
    expect((await readFile(folder.file('down'))).equals(data)).toBe(true);
    expect(there.seen).toEqual([`PUT /api/v1/indexes/${sha256}`, 'GET /api/v1/jobs/j/indexes/k%201']);
  });

  test('and VM configurations are encrypted here and not on the way, where there is a key', async () => {
    await using folder = await temporaryFolder();
    const key: ImageKey = { id: '0'.repeat(16), passphrase: 'k'.repeat(44) };
    let got: Buffer = Buffer.alloc(0);
    await using there = await node(async (request, response) => {
      if (request.method === 'PUT') {
        got = await buffer(request);
        response.writeHead(204).end();
      } else response.writeHead(200).end(data);
    });
    await there.client.getIndex('j', 'k', folder.file('index'), undefined, key);
    await there.client.getVmConfig('j', folder.file('config'), undefined, key);
    for (const name of ['index', 'config']) {
      expect((await readFile(folder.file(name))).includes(data.subarray(0, 32))).toBe(false);
      expect((await buffer(contentStream(folder.file(name), key))).equals(data)).toBe(true);
    }
    await there.client.putIndex(sha256, folder.file('index'), undefined, key);
    expect(got.equals(data)).toBe(true);
  });

  test('are never written over a file that is there', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('down'), 'mine');
    await using there = await node((_request, response) => void response.writeHead(200).end(data));
    await expect(there.client.getIndex('j', 'k', folder.file('down'))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(folder.file('down'), 'utf8')).toBe('mine');
  });

  test('one that cannot be read is no fault of the node', async () => {
    await using there = await node(says({}));
    await expect(there.client.putIndex(sha256, '/nonexistent/index')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(there.seen).toEqual([]);
  });

  test('a node that answers before it has read all is heard', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('up'), Buffer.alloc(20_000_000));
    const full = { code: 'disk.full', message: 'no space for indexes', remedy: 'free some', position: null };
    await using known = await node((_request, response) => void response.writeHead(204).end());
    await known.client.putIndex(sha256, folder.file('up'));
    await using refusing = await node(says({ error: full }, 507));
    await expect(refusing.client.putIndex(sha256, folder.file('up'))).rejects.toMatchObject({ code: 'disk.full' });
    await expect(
      nodeClient({ url: refusing.url, token: 'other', peer: 'ours' }).putIndex(sha256, folder.file('up')),
    ).rejects.toMatchObject({ code: 'node.refused' });
  });

  test('a connection that breaks in the middle of one is out of reach', async () => {
    await using folder = await temporaryFolder();
    await using there = await node((request, response) => {
      response.writeHead(200, { 'content-length': data.length });
      response.write(data.subarray(0, 1000), () => request.socket.destroy());
    });
    await expect(there.client.getIndex('j', 'k', folder.file('down'))).rejects.toMatchObject({
      code: 'node.unreachable',
    });
  });
});

describe('jobs', () => {
  test('removing an unknown one is fine, other refusals are not', async () => {
    const unknown = { code: 'job.unknown', message: 'no job j', remedy: '', position: null };
    await using without = await node(says({ error: unknown }, 404));
    await without.client.remove('j');
    await using broken = await node(says('', 500));
    await expect(broken.client.remove('j')).rejects.toMatchObject({ code: 'node.protocol' });
  });

  test('cancel and log go to the job', async () => {
    await using there = await node(
      (request, response) => void response.writeHead(request.method === 'POST' ? 202 : 200).end('line 1\nline 2\n'),
    );
    await there.client.cancel('j');
    expect(await there.client.log('j')).toBe('line 1\nline 2\n');
    expect(there.seen).toEqual(['POST /api/v1/jobs/j/cancel', 'GET /api/v1/jobs/j/log']);
  });
});
