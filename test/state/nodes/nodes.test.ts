import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { isRunning, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { makeKeyPair, parsePublicKey } from '../../../src/host/ssh/keys.ts';
import { addCredential, openCredential } from '../../../src/state/credentials/credentials.ts';
import {
  connectionEnd,
  connectionOf,
  connectionsSeen,
  connectNode,
  disconnectNode,
} from '../../../src/state/nodes/node-connections.ts';
import { enrolNode } from '../../../src/state/nodes/node-enrolment.ts';
import { openNodeToken } from '../../../src/state/nodes/node-tokens.ts';
import {
  addNode,
  findNodeByKey,
  listNodes,
  removeNode,
  renameNode,
  renewNodeToken,
  requireNode,
  revokeNode,
  type NodeRecord,
} from '../../../src/state/nodes/nodes.ts';
import type { State } from '../../../src/state/database/open-state.ts';
import { allocatePorts, openPortsTo, releasePorts, runThatOpened } from '../../../src/state/runs/port-leases.ts';
import { rotateKey } from '../../../src/state/credentials/rotate-key.ts';
import { addRuns, temporaryState } from '../temporary-state.ts';

const code = (name: string): unknown => expect.objectContaining({ code: name });
const key = (): string => parsePublicKey(makeKeyPair('').publicKey) ?? '';
const ports = { from: 9081, to: 9083 };
const add = (state: State, name: string, more: { oneTimeKey?: string; expires?: number } = {}): NodeRecord =>
  addNode(state, { name, oneTimeKey: key(), expires: Date.now() + 60_000, ports, ...more });
const token = 'api-token-0123456789';

function enrol(state: State, name: string, publicKey = key()): NodeRecord {
  const oneTimeKey = requireNode(state, name).oneTimeKey ?? '';
  return enrolNode(state, { oneTimeKey, publicKey, apiToken: token, hostname: `${name}.example.com`, version: '1' });
}

afterEach(() => {
  delete process.env['CREDENTIALS_DIRECTORY'];
});

describe('a node', () => {
  test('has a name and a reverse port of its own, and the port of one that was removed is given again', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    expect(['a', 'b', 'c'].map((name) => add(state, name).reversePort)).toEqual([9081, 9082, 9083]);
    expect(() => add(state, 'a')).toThrow(code('node.exists'));
    expect(() => add(state, 'd')).toThrow(code('node.ports'));
    removeNode(state, 'b');
    expect(add(state, 'd').reversePort).toBe(9082);
    expect(listNodes(state).map(({ name }) => name)).toEqual(['a', 'c', 'd']);
    expect(() => requireNode(state, 'b')).toThrow(/there is no enrolled node b; there are a, c, d/);
  });

  test('that is removed leaves its open ports to nobody, also not to a later one of its name', async () => {
    using temporary = temporaryState();
    const { state } = temporary;
    addRuns(state, 'run-1');
    const owner = { runId: 'run-1', stepId: 'ports' };
    const [port = 0] = await allocatePorts(state, { count: 1, from: 10_100, to: 10_100, owner, isFree: () => true });
    add(state, 'a');
    openPortsTo(state, 'a', [port]);
    removeNode(state, 'a');
    // Its address serves that disk until the run has ended.
    expect(add(state, 'a').reversePort).toBe(9082);
    expect(runThatOpened(state, port, 'a')).toBeUndefined();
    releasePorts(state, 'run-1');
    expect(add(state, 'b').reversePort).toBe(9081);
  });

  test('is enrolled once with its token', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    add(state, 'a');
    const own = key();
    expect(enrol(state, 'a', own)).toMatchObject({ publicKey: own, used: expect.any(Number) as number });
    expect(() => enrol(state, 'a')).toThrow(/was used already/);
    expect(findNodeByKey(state, own)).toMatchObject({ key: 'own', node: { name: 'a' } });
    add(state, 'late', { expires: Date.now() - 1 });
    expect(() => enrol(state, 'late')).toThrow(/expired/);
    expect(() =>
      enrolNode(state, { oneTimeKey: key(), publicKey: key(), apiToken: token, hostname: 'x', version: '1' }),
    ).toThrow(code('enroll.token'));
  });

  test('comes back after it was revoked with a new token, name and port as before', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    add(state, 'a');
    const { publicKey, id } = enrol(state, 'a');
    revokeNode(state, 'a');
    expect(requireNode(state, 'a')).toMatchObject({
      publicKey,
      revoked: expect.any(Number) as number,
      oneTimeKey: null,
    });
    expect(openNodeToken(state, id)).toBeNull();
    renewNodeToken(state, 'a', key(), Date.now() + 1000);
    expect(requireNode(state, 'a').revoked).not.toBeNull();
    expect(enrol(state, 'a')).toMatchObject({ id, reversePort: 9081, revoked: null });
  });

  test('keeps its leases under a new name', async () => {
    using temporary = temporaryState();
    const { state } = temporary;
    addRuns(state, 'run-1');
    add(state, 'a');
    const [port = 0] = await allocatePorts(state, {
      count: 1,
      from: 10_100,
      to: 10_100,
      owner: { runId: 'run-1', stepId: 'ports' },
      isFree: () => true,
    });
    expect(runThatOpened(state, port, 'a')).toBeUndefined();
    openPortsTo(state, 'a', [port]);
    renameNode(state, 'a', 'b');
    expect(runThatOpened(state, port, 'b')).toBe('run-1');
    expect(runThatOpened(state, port, 'a')).toBeUndefined();
    openPortsTo(state, null, [port]);
    expect(runThatOpened(state, port, 'b')).toBeUndefined();
  });
});

describe('the API token of a node', () => {
  test('is nowhere in the files, and is sealed anew with a new key', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    addCredential(state, 'vc1', { user: 'u', password: 'p' });
    add(state, 'a');
    const { id } = enrol(state, 'a');
    const before = openNodeToken(state, id);
    rotateKey(state);
    expect([before, openNodeToken(state, id)]).toEqual([token, token]);
    expect(openCredential(state, 'vc1').password).toBe('p');
    renameNode(state, 'a', 'b');
    expect(openNodeToken(state, id)).toBe(token);
    state.close();
    expect(readFileSync(temporary.path).includes(token)).toBe(false);
  });

  test('of one node does not open as that of another', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    for (const name of ['a', 'b']) {
      add(state, name);
      enrol(state, name);
    }
    const [a, b] = listNodes(state);
    const sealed = state.first(state.query.selectFrom('nodes').select('api_token').where('id', '=', a!.id));
    state.run(state.query.updateTable('nodes').set({ api_token: sealed!.api_token }).where('id', '=', b!.id));
    expect(() => openNodeToken(state, b!.id)).toThrow(code('credential.sealed'));
  });
});

describe('a connection', () => {
  test('ends when another takes its place, and when its node is revoked or has another key', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    add(state, 'a');
    const { id, publicKey } = enrol(state, 'a');
    const seen = (connection: string): string | null => connectionEnd(state, id, publicKey ?? '', connection);
    const connect = (connection: string): boolean =>
      connectNode(state, id, { connection, owner: thisProcess(), peer: '192.0.2.1:5', data: null });
    expect(connect('one')).toBe(true);
    expect(connectionOf(requireNode(state, 'a'), isRunning)).toMatchObject({ peer: '192.0.2.1:5' });
    expect(connectionOf(requireNode(state, 'a'), () => false)).toBeNull();
    connect('two');
    expect([seen('one'), seen('two')]).toEqual(['replaced', null]);
    const before = requireNode(state, 'a').lastSeen ?? 0;
    connectionsSeen(state, ['one', 'two']);
    expect(requireNode(state, 'a').lastSeen).toBeGreaterThanOrEqual(before);
    disconnectNode(state, id, 'one');
    expect(requireNode(state, 'a').connection).toBe('two');
    renewNodeToken(state, 'a', key(), Date.now() + 1000);
    enrol(state, 'a');
    expect(seen('two')).toBe('revoked');
    revokeNode(state, 'a');
    expect(connect('three')).toBe(false);
    removeNode(state, 'a');
    expect(seen('two')).toBe('removed');
  });
});
