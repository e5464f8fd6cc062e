import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BootOutput, BootsOutput, RunStartedOutput } from '../../src/schemas/types.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { processesWith } from '../support/processes-with.ts';
import { askHub, logInAt, patience, schema, whenEnded, type Answered, type Refused } from './ask-hub.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw, writeAt } from './workspace.ts';

const MiB = 2 ** 20;
const timeout = 300_000;
const password = 'four random words here';
/** What a VM without anything saved needs. */
const machine = { memory: '32MiB', cpus: 1, accel: 'tcg', reserve: '1MiB' };

let hub: HubProgram;
let allowed: string;

beforeAll(async () => {
  hub = await hubProgram('hub.restoreTo: [./restored]');
  allowed = hub.folder.file('restored');
  await mkdir(allowed, { mode: 0o700 });
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeAt(hub.folder.file('a.raw'), [0, bootSector('login: ')]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw']));
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  for (const words of [
    ['run', 'nightly.yaml'],
    ['user', 'add', 'rosa', '--role', 'restorer', '--password-file', hub.folder.file('password')],
    ['user', 'add', 'ron', '--role', 'restorer', '--vm', 'web*', '--password-file', hub.folder.file('password')],
  ]) {
    const { exitCode, stderr } = await hub.run(...words);
    if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }
}, timeout);

afterAll(async () => {
  for (const { id } of (await ask<BootsOutput>('GET', '/boots')).body.boots) await ask('DELETE', `/boots/${id}`);
  const watchers = (): number[] => processesWith('watch', hub.folder.file('sendense.yaml'));
  for (const pid of watchers()) process.kill(pid, 'SIGTERM');
  await vi.waitUntil(() => watchers().length === 0, patience);
  await hub[Symbol.asyncDispose]();
}, timeout);

const ask = <T>(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answered<T>> => askHub<T>(hub, method, path, body, headers);

async function start(more: object = {}, headers: Record<string, string> = {}): Promise<BootOutput> {
  const begun = await ask<BootOutput>('POST', '/boots', { vm: 'pgtest1', ...machine, ...more }, headers);
  expect(begun.status, JSON.stringify(begun.body)).toBe(201);
  schema('output/boot.json', begun.body);
  expect(begun.location).toBe(`/api/v1/boots/${begun.body.id}`);
  return begun.body;
}

describe('a VM that runs from a restore point, over the API', { timeout }, () => {
  it('is started once, shows its screen, is switched off, started again and ended', async () => {
    const rosa = await logInAt(hub, 'rosa', password);
    const key = { ...rosa, 'idempotency-key': 'look' };
    const [boot, again] = await Promise.all([start({}, key), start({}, key)]);
    expect(again).toEqual(boot);
    expect(boot).toMatchObject({ state: 'running', vm: 'pgtest1', network: 'none', started_by: 'rosa' });
    expect(processesWith('watch', hub.folder.file('sendense.yaml'))).toHaveLength(1);
    const listed = await ask<BootsOutput>('GET', '/boots', undefined, rosa);
    schema('output/boots.json', listed.body);
    expect(listed.body.boots.map(({ id }) => id)).toEqual([boot.id]);
    const screen = await fetch(`${hub.url}/api/v1/boots/${boot.id}/screenshot`, { method: 'POST', headers: rosa });
    expect([screen.status, screen.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(
      Buffer.from(await screen.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const off = await ask<BootOutput>('POST', `/boots/${boot.id}/power-off`, { force: true }, rosa);
    expect(off.body.state, JSON.stringify(off.body)).toBe('off');
    const dark = await ask<Refused>('POST', `/boots/${boot.id}/screenshot`, undefined, rosa);
    expect(dark.body.error.code).toBe('boot.off');
    const on = await ask<BootOutput>('POST', `/boots/${boot.id}/start`, undefined, rosa);
    expect(on.body.state, JSON.stringify(on.body)).toBe('running');
    // What its guest wrote is lost: the password first.
    hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
    const stale = await ask<Refused>('DELETE', `/boots/${boot.id}`, undefined, rosa);
    expect([stale.status, stale.body.error.code]).toEqual([403, 'access.stale']);
    const gone = await ask<BootOutput>('DELETE', `/boots/${boot.id}`);
    expect([gone.status, gone.body.why]).toEqual([200, 'it was ended']);
    expect(existsSync(boot.folder)).toBe(false);
    expect((await ask<Refused>('GET', `/boots/${boot.id}`)).body.error.code).toBe('boot.unknown');
  });

  it('is kept as a restore point, and moves to its place while it runs, also when the hub is killed', async () => {
    const boot = await start({ point: 'latest', folder: allowed });
    expect(boot.folder).toBe(`${allowed}/${boot.id}`);
    const kept = await ask<RunStartedOutput>('POST', `/boots/${boot.id}/keep`, {});
    expect(kept.status, JSON.stringify(kept.body)).toBe(202);
    expect((await whenEnded(hub, kept.body.run_id)).status).toBe('succeeded');
    const elsewhere = await ask<Refused>('POST', `/boots/${boot.id}/move`, { directory: '/tmp/sendense-none' });
    expect([elsewhere.status, elsewhere.body.error.code]).toEqual([403, 'target.not-allowed']);
    const moving = await ask<BootOutput>('POST', `/boots/${boot.id}/move`, { directory: `${allowed}/moved` });
    expect(moving.status, JSON.stringify(moving.body)).toBe(202);
    await hub.end('SIGKILL');
    await hub.start();
    await vi.waitFor(async () => {
      const { body } = await ask<BootOutput>('GET', `/boots/${boot.id}`);
      expect(body).toMatchObject({ state: 'running', needs_repository: false, move: { done: true } });
    }, patience);
    expect((await ask('DELETE', `/boots/${boot.id}`)).status).toBe(200);
    expect(existsSync(`${allowed}/moved/disk-0.qcow2`)).toBe(true);
  });

  it('is refused in words, and for who may not', async () => {
    for (const [body, status, text] of [
      [{ vm: 'ghost' }, 404, 'ghost'],
      [{ point: 'none-such' }, 404, 'none-such'],
      [{ network: '; rm' }, 400, 'network ; rm is none'],
      [{ folder: '/tmp' }, 403, 'folder'],
      [{ memory: 'much' }, 400, 'memory'],
      [{ vm: '--help' }, 400, 'vm'],
    ] as const) {
      const refused = await ask<Refused>('POST', '/boots', { vm: 'pgtest1', ...machine, ...body });
      expect([refused.status, refused.body.error.message], JSON.stringify(body)).toEqual([
        status,
        expect.stringContaining(text),
      ]);
    }
    const [rosa, ron] = await Promise.all(['rosa', 'ron'].map((name) => logInAt(hub, name, password)));
    hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
    const codeOf = async (who: Record<string, string> | undefined, more: object = {}): Promise<string> =>
      (await ask<Refused>('POST', '/boots', { vm: 'pgtest1', ...machine, ...more }, who)).body.error.code;
    expect(await codeOf(ron)).toBe('point.unknown');
    expect(await codeOf(rosa, { network: 'bridge:br0' })).toBe('access.stale');
    const boot = await start();
    expect((await ask<BootsOutput>('GET', '/boots', undefined, ron)).body.boots).toEqual([]);
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/start'],
      ['POST', '/screenshot'],
    ] as const)
      expect((await ask<Refused>(method, `/boots/${boot.id}${path}`, undefined, ron)).body.error.code).toBe(
        'boot.unknown',
      );
    expect((await ask<Refused>('POST', `/boots/${boot.id}/keep`, {}, rosa)).body.error.code).toBe('access.right');
  });
});
