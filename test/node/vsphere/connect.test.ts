import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { errorToJson, SendenseError } from '../../../src/errors/sendense-error.ts';
import { connectVsphere, type VsphereAddress } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { answer, fault, startScriptedServer, type ScriptedServer } from './scripted-server.ts';

const password = 'pa55-canary & "<more>"';
const vm = { type: 'VirtualMachine', value: 'vm-1' };
let server: ScriptedServer;
let addressed: VsphereAddress;

beforeAll(async () => {
  server = await startScriptedServer();
  addressed = {
    host: '127.0.0.1',
    port: server.port,
    user: 'backup@vsphere.local',
    password,
    thumbprint: server.thumbprint,
    ca: null,
  };
});
afterEach(() => {
  server.script = () => {};
  server.asked.length = 0;
});
afterAll(() => server[Symbol.asyncDispose]());

const connect = (more: Partial<VsphereAddress> = {}): Promise<Vsphere> =>
  connectVsphere({ ...addressed, ...more }, { pauseMs: 1 });
const methods = (): string[] => server.asked.map(({ method }) => method);
const failure = async (work: Promise<unknown>): Promise<SendenseError> => {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SendenseError);
  return error as SendenseError;
};

it('logs in, knows the server, and logs out', async () => {
  await using vsphere = await connect();
  expect(vsphere.about).toEqual({
    apiType: 'VirtualCenter',
    apiVersion: '8.0.2.0',
    fullName: 'Scripted',
    instanceUuid: 'u-1',
  });
  expect(vsphere.content['rootFolder']).toEqual({ type: 'Folder', value: 'group-d1' });
  await vsphere.call('Do', vm);
  await vsphere[Symbol.asyncDispose]();
  expect(server.asked.map(({ method, cookie }) => [method, cookie])).toEqual([
    ['RetrieveServiceContent', undefined],
    ['Login', undefined],
    ['Do', 'vmware_soap_session="c00kie-canary"'],
    ['Logout', 'vmware_soap_session="c00kie-canary"'],
  ]);
});

describe('the certificate', () => {
  test.each([
    ['the SHA-256 thumbprint', () => ({})],
    ['its lower case without colons', () => ({ thumbprint: server.thumbprint.replaceAll(':', '').toLowerCase() })],
    ['the authority', () => ({ thumbprint: null, ca: server.caPem })],
  ])('is accepted by %s', async (_, more) => {
    await using vsphere = await connect(more());
    expect(vsphere.about.fullName).toBe('Scripted');
  });

  test.each([
    ['another thumbprint', () => ({ thumbprint: '0'.repeat(64) })],
    ['half a thumbprint', () => ({ thumbprint: server.thumbprint.slice(0, 40) })],
    ['an empty thumbprint', () => ({ thumbprint: '' })],
    ['the authorities of the system', () => ({ thumbprint: null })],
    ['a text that is no authority', () => ({ thumbprint: null, ca: 'x' })],
  ])('is refused by %s, before a byte of HTTP is sent', async (what, more) => {
    const before = server.bytesIn();
    const error = await failure(connect(more()));
    expect(error).toMatchObject({ code: 'vsphere.tls' });
    if (!what.includes('no authority')) expect(error.message).toContain(server.thumbprint);
    expect(server.bytesIn()).toBe(before);
    expect(server.asked).toEqual([]);
  });

  it('must be made for the host where an authority is given, and the message says so', async () => {
    await using other = await startScriptedServer('DNS:vcenter.example.com');
    const error = await failure(connect({ port: other.port, thumbprint: null, ca: other.caPem }));
    expect(error).toMatchObject({ code: 'vsphere.tls' });
    expect(error.message).toContain('it is made for DNS:vcenter.example.com, not for 127.0.0.1');
    expect(other.bytesIn()).toBe(0);
    await using vsphere = await connect({ port: other.port, thumbprint: other.thumbprint });
    expect(vsphere.about.fullName).toBe('Scripted');
  });

  it('is looked at again with every connection', async () => {
    await using first = await startScriptedServer();
    await using vsphere = await connect({ port: first.port, thumbprint: first.thumbprint });
    const { port } = first;
    await first[Symbol.asyncDispose]();
    await using impostor = await startScriptedServer('IP:127.0.0.1', port);
    const error = await failure(vsphere.call('Do', vm));
    expect(error).toMatchObject({ code: 'vsphere.tls' });
    expect(error.message).toContain(impostor.thumbprint);
    expect(impostor.bytesIn()).toBe(0);
  });
});

describe('an answer that is none', () => {
  const page = '<html><head><title>Proxy</title></head><body>Who<br>are you?</body></html>';
  const cases: [string, ScriptedServer['script'], string, string][] = [
    ['nothing', () => '', 'vsphere.protocol', 'it is empty'],
    ['garbage', () => '\u0000\u0001{"json":1}', 'vsphere.protocol', 'HTTP 200'],
    ['a page of a proxy', () => page, 'vsphere.protocol', 'Who are you?'],
    ['a page with status 403', (_, response) => void response.writeHead(403).end(page), 'vsphere.protocol', 'HTTP 403'],
    [
      'a redirection, which is not followed',
      (_, response) => void response.writeHead(302, { location: 'https://vcenter.example.com/' }).end(),
      'vsphere.protocol',
      'HTTP 302',
    ],
    [
      'the web server without its service',
      (_, response) => void response.writeHead(503).end('<b>503</b> Service Unavailable (endpoint)'),
      'vsphere.unreachable',
      'HTTP 503: 503 Service Unavailable (endpoint)',
    ],
    ['another method’s answer', () => answer('Other', ''), 'vsphere.protocol', 'no DoResponse'],
    ['an envelope without a body', () => '<Envelope/>', 'vsphere.protocol', 'no DoResponse'],
    ['XML that breaks off', () => answer('Do', '<returnval/>').slice(0, -10), 'vsphere.protocol', 'does not end'],
    [
      'half a body',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('<half>', () => response.destroy());
      },
      'vsphere.unreachable',
      'Do at 127.0.0.1',
    ],
    ['no answer but the end', (_, response) => void response.destroy(), 'vsphere.unreachable', 'Do at 127.0.0.1'],
  ];
  test.each(cases)('(%s) is an error that says so', async (_, script, code, words) => {
    await using vsphere = await connect();
    server.script = (asked, response) => (asked.method === 'Do' ? script(asked, response) : undefined);
    const error = await failure(vsphere.call('Do', vm));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(600);
  });

  it('is no reason to crash where it comes at the login', async () => {
    server.script = ({ method }) => (method === 'Login' ? page : undefined);
    await expect(connect()).rejects.toMatchObject({ code: 'vsphere.protocol' });
    server.script = ({ method }) => (method === 'Login' ? answer('Login', '') : undefined);
    await expect(connect()).rejects.toMatchObject({ code: 'vsphere.protocol' });
    server.script = () => answer('RetrieveServiceContent', '');
    await expect(connect()).rejects.toMatchObject({ code: 'vsphere.protocol' });
  });

  it('takes as long as the caller allows, and no longer', async () => {
    await using vsphere = await connect();
    server.script = ({ method }, response) => (method === 'Do_Task' ? void response.flushHeaders() : undefined);
    const error = await failure(vsphere.call('Do_Task', vm, [], { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'vsphere.unreachable' });
    expect(error.message).toContain('no answer for 0.1 s');
    const aborted = new AbortController();
    const call = vsphere.call('Do_Task', vm, [], { signal: aborted.signal });
    aborted.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});

describe('a server that is not there', () => {
  it('is out of reach', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await expect(connect({ port })).rejects.toMatchObject({
      code: 'vsphere.unreachable',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
  });

  it('can be given up at any time', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const reason = new Error('enough');
    const aborted = new AbortController();
    const connecting = connectVsphere({ ...addressed, port }, { signal: aborted.signal });
    const gone = once(silent, 'connection').then(([socket]) =>
      once(socket as AsyncDisposable & NodeJS.EventEmitter, 'close'),
    );
    await once(silent, 'connection');
    aborted.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await gone;
    silent.close();
  });
});

describe('a connection that breaks', () => {
  it('is made anew for what is read', async () => {
    await using vsphere = await connect();
    let broken = 2;
    server.script = ({ method }, response) => {
      if (method === 'Do' && broken-- > 0) response.destroy();
    };
    await vsphere.call('Do', vm);
    expect(methods().filter((method) => method === 'Do')).toHaveLength(3);
  });

  it('does not start a task twice', async () => {
    await using vsphere = await connect();
    server.script = ({ method }, response) => {
      if (method === 'Do_Task') response.destroy();
    };
    await expect(vsphere.task('Do_Task', vm, [])).rejects.toMatchObject({ code: 'vsphere.unreachable' });
    expect(methods().filter((method) => method === 'Do_Task')).toHaveLength(1);
  });

  it('between two calls does not bear on a task', async () => {
    await using vsphere = await connect();
    await vsphere.call('Do', vm);
    server.cut();
    server.script = ({ method }) => (method === 'Do_Task' ? fault('TaskInProgress') : undefined);
    await expect(vsphere.task('Do_Task', vm, [])).rejects.toMatchObject({ code: 'vsphere.busy' });
  });
});

describe('a session that ended', () => {
  const expire = (): void => {
    let valid = false;
    server.script = ({ method }) => {
      if (method === 'Login') valid = true;
      return valid || method === 'Login' ? undefined : fault('NotAuthenticated');
    };
  };

  it('is begun anew, once for all who ask, and their calls are repeated', async () => {
    await using vsphere = await connect();
    server.asked.length = 0;
    expire();
    await Promise.all([...Array.from({ length: 5 }, () => vsphere.call('Do', vm)), vsphere.call('Make_Task', vm)]);
    expect(methods().filter((method) => method === 'Login')).toHaveLength(1);
    expect(methods().filter((method) => method === 'Make_Task').length).toBeLessThanOrEqual(2);
    expect(server.asked.findLast(({ method }) => method === 'Do')?.cookie).toContain('c00kie-canary');
  });

  it('is not begun again and again', async () => {
    await using vsphere = await connect();
    server.asked.length = 0;
    server.script = ({ method }) => (method === 'Do' ? fault('NotAuthenticated') : undefined);
    await expect(vsphere.call('Do', vm)).rejects.toMatchObject({ code: 'vsphere.login' });
    expect(methods()).toEqual(['Do', 'Login', 'Do']);
  });

  it('is begun for the others when the one who noticed gives up', async () => {
    await using vsphere = await connect();
    server.asked.length = 0;
    const aborted = new AbortController();
    let expired = true;
    const { promise: asked, resolve: noticed } = Promise.withResolvers<void>();
    server.script = ({ method }, response) => {
      if (method === 'Login') {
        noticed();
        setImmediate(() => {
          aborted.abort(new Error('enough'));
          expired = false;
          response.setHeader('set-cookie', 'vmware_soap_session="second"');
          response.end(answer('Login', '<returnval/>'));
        });
        response.flushHeaders = () => {};
        Object.defineProperty(response, 'headersSent', { value: true, configurable: true });
        return undefined;
      }
      return expired ? fault('NotAuthenticated') : undefined;
    };
    const first = vsphere.call('Do', vm, [], { signal: aborted.signal });
    const second = vsphere.call('Do', vm);
    await asked;
    await expect(first).rejects.toThrow('enough');
    await second;
    expect(methods().filter((method) => method === 'Login')).toHaveLength(1);
  });

  it('gives a new cookie to whom the old one was refused', async () => {
    await using vsphere = await connect();
    const old = await vsphere.cookie();
    expect(old).toBe('vmware_soap_session="c00kie-canary"');
    let number = 0;
    server.script = ({ method }, response) => {
      if (method === 'Login') response.setHeader('set-cookie', `vmware_soap_session="new-${++number}"; Path=/`);
      return method === 'Login' ? answer('Login', '<returnval/>') : undefined;
    };
    const renewed = await Promise.all([vsphere.cookie(old), vsphere.cookie(old)]);
    expect(renewed).toEqual(['vmware_soap_session="new-1"', 'vmware_soap_session="new-1"']);
    expect(await vsphere.cookie(old)).toBe('vmware_soap_session="new-1"');
  });
});

describe('a property that is missing', () => {
  const missing = (type: string): string =>
    answer(
      'RetrievePropertiesEx',
      '<returnval><objects><obj type="VirtualMachine">vm-1</obj><missingSet><path>config</path><fault>' +
        `<fault xsi:type="${type}"><privilegeId>System.Read</privilegeId></fault><localizedMessage>no</localizedMessage></fault>` +
        '</missingSet></objects></returnval>',
    );

  it('because it may not be read is an error that names it', async () => {
    await using vsphere = await connect();
    server.script = ({ method }) => (method === 'RetrievePropertiesEx' ? missing('NoPermission') : undefined);
    const error = await failure(vsphere.properties([vm], ['config']));
    expect(error).toMatchObject({ code: 'vsphere.permission' });
    expect(error.message).toMatch(/^config of VirtualMachine vm-1: .*privilege System\.Read/);
  });

  it('because the session has ended is asked for in a new one', async () => {
    await using vsphere = await connect();
    let ended = true;
    server.script = ({ method }) => {
      if (method === 'Login') ended = false;
      if (method !== 'RetrievePropertiesEx') return undefined;
      return ended
        ? missing('NotAuthenticated')
        : answer(
            method,
            '<returnval><objects><obj type="VirtualMachine">vm-1</obj><propSet><name>name</name><val>x</val></propSet></objects></returnval>',
          );
    };
    const [found] = await vsphere.properties([vm], ['name']);
    expect(found?.values.get('name')?.text).toBe('x');
  });
});

it('closes in time where the server is gone', async () => {
  await using gone = await startScriptedServer();
  const vsphere = await connect({ port: gone.port, thumbprint: gone.thumbprint });
  await gone[Symbol.asyncDispose]();
  const start = performance.now();
  await vsphere[Symbol.asyncDispose]();
  expect(performance.now() - start).toBeLessThan(20_000);
});

it('tells neither password nor cookie in any error', async () => {
  const errors: unknown[] = [];
  const gather = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => errors.push(error));
  const replies: ScriptedServer['script'][] = [
    () => fault('InvalidLogin'),
    () => fault('NoPermission', '<object type="Folder">x</object><privilegeId>y</privilegeId>'),
    () => fault('NotAuthenticated'),
    () => '<html>no</html>',
    () => answer('Other', ''),
    (_, response) => void response.destroy(),
    (_, response) => void response.writeHead(500).end('internal'),
    (_, response) => void response.writeHead(407, { 'set-cookie': 'vmware_soap_session="c00kie-canary"' }).end('x'),
    // A server that gives back what it was sent.
    ({ body, cookie }) => `<html>${body} ${cookie}</html>`,
    ({ body, cookie }, response) => void response.writeHead(502).end(`${body} ${cookie}`),
    ({ body, cookie }) => fault('SystemError', `<reason>${body.slice(0, 10)}</reason>`, 'said'.concat(cookie ?? '')),
  ];
  for (const script of replies) {
    server.script = ({ method, ...rest }, response) =>
      method === 'Login' ? script({ method, ...rest }, response) : undefined;
    await gather(connect());
    server.script = () => {};
    await using vsphere = await connect();
    server.script = script;
    await gather(vsphere.call('Do_Task', vm));
    await gather(vsphere.task('Do_Task', vm, []));
    server.script = () => {};
  }
  await gather(connect({ thumbprint: '0'.repeat(64) }));
  await gather(connect({ port: 1 }));
  expect(errors.length).toBeGreaterThan(25);
  for (const error of errors) {
    const shown = `${inspect(error, { depth: 12, showHidden: true })} ${JSON.stringify(errorToJson(error))}`;
    expect(shown).not.toContain('pa55-canary');
    expect(shown).not.toContain('c00kie-canary');
  }
});
