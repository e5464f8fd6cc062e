import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { State } from '../../../src/state/database/open-state.ts';
import { allocatePorts, listLeases, releasePorts, type PortRequest } from '../../../src/state/runs/port-leases.ts';
import { addRuns, temporaryState } from '../temporary-state.ts';
import { testProgram } from '../../programs.ts';

const request = (more: Partial<PortRequest> = {}): PortRequest => ({
  count: 2,
  from: 10_100,
  to: 10_109,
  owner: { runId: 'r1', stepId: 'ports' },
  isFree: () => true,
  ...more,
});

describe('allocatePorts', () => {
  test('leases the lowest free ports', async () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1', 'r2');
    expect(await allocatePorts(temporary.state, request())).toEqual([10_100, 10_101]);
    expect(await allocatePorts(temporary.state, request({ owner: { runId: 'r2', stepId: 's' } }))).toEqual([
      10_102, 10_103,
    ]);
    expect(listLeases(temporary.state).map(({ port, run_id }) => [port, run_id])).toEqual([
      [10_100, 'r1'],
      [10_101, 'r1'],
      [10_102, 'r2'],
      [10_103, 'r2'],
    ]);
  });

  test('passes over ports that another program holds and ports that are excluded', async () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1');
    const ports = await allocatePorts(
      temporary.state,
      request({ count: 3, isFree: async (port) => port % 2 === 0, exclude: [10_102] }),
    );
    expect(ports).toEqual([10_100, 10_104, 10_106]);
    expect(listLeases(temporary.state)).toHaveLength(3);
  });

  test('takes all or none, and says who holds how many', async () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1', 'r2');
    await allocatePorts(temporary.state, request({ count: 7 }));
    const late = request({ count: 3, owner: { runId: 'r2', stepId: 's' }, isFree: (port) => port !== 10_108 });
    await expect(allocatePorts(temporary.state, late)).rejects.toMatchObject({
      code: 'ports.exhausted',
      message: expect.stringMatching(/3 NBD ports .* 10 \(10100-10109\).*7 by run r1, 1 by other programs \(10108\)/),
    });
    expect(listLeases(temporary.state)).toHaveLength(7);
  });

  test('gives everything back where probing fails', async () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1');
    await expect(
      allocatePorts(temporary.state, request({ isFree: () => Promise.reject(new Error('probe')) })),
    ).rejects.toThrow('probe');
    expect(listLeases(temporary.state)).toEqual([]);
  });
});

test('releasePorts gives back those of one step or of the whole run, and no others', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRuns(state, 'r1', 'r2');
  await allocatePorts(state, request());
  await allocatePorts(state, request({ owner: { runId: 'r1', stepId: 'more' } }));
  await allocatePorts(state, request({ owner: { runId: 'r2', stepId: 'ports' } }));
  expect(releasePorts(state, 'r1', 'more')).toBe(2);
  expect(releasePorts(state, 'r1', 'more')).toBe(0);
  expect(releasePorts(state, 'r1')).toBe(2);
  expect(listLeases(state).map(({ run_id }) => run_id)).toEqual(['r2', 'r2']);
});

interface Model {
  readonly leases: Map<number, string>;
  readonly held: Set<number>;
}

interface Real {
  readonly state: State;
  readonly held: Set<number>;
}

type Command = fc.AsyncCommand<Model, Real>;

const [from, to] = [10_100, 10_107];

const allocate = (run: string, count: number): Command => ({
  check: () => true,
  toString: () => `allocate ${count} for ${run}`,
  async run(model, real) {
    const all = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const free = all.filter((port) => !model.leases.has(port) && !model.held.has(port));
    const isFree = (port: number): boolean => !real.held.has(port);
    const asked = allocatePorts(real.state, { count, from, to, owner: { runId: run, stepId: 's' }, isFree });
    if (free.length < count) {
      await expect(asked).rejects.toMatchObject({ code: 'ports.exhausted' });
    } else {
      const ports = await asked;
      expect(ports).toEqual(free.slice(0, count));
      for (const port of ports) model.leases.set(port, run);
    }
    expect(new Map(listLeases(real.state).map((lease) => [lease.port, lease.run_id]))).toEqual(model.leases);
  },
});

const release = (run: string): Command => ({
  check: () => true,
  toString: () => `release ${run}`,
  async run(model, real) {
    const own = [...model.leases].filter((lease) => lease[1] === run);
    expect(releasePorts(real.state, run)).toBe(own.length);
    for (const [port] of own) model.leases.delete(port);
  },
});

/** Another program takes the port, or leaves it. */
const toggle = (port: number): Command => ({
  check: () => true,
  toString: () => `toggle ${port}`,
  async run(model, real) {
    for (const held of [model.held, real.held]) if (!held.delete(port)) held.add(port);
  },
});

test('behaves as a table of ports would', { timeout: 300_000 }, async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  const runs = ['r1', 'r2', 'r3'];
  addRuns(state, ...runs);
  const run = fc.constantFrom(...runs);
  const commands = fc.commands(
    [
      fc.tuple(run, fc.integer({ min: 0, max: 5 })).map(([id, count]) => allocate(id, count)),
      run.map(release),
      fc.integer({ min: from, max: to }).map(toggle),
    ],
    { maxCommands: 25 },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      for (const id of runs) releasePorts(state, id);
      await fc.asyncModelRun(
        () => ({ model: { leases: new Map(), held: new Set<number>() }, real: { state, held: new Set<number>() } }),
        list,
      );
    }),
    { numRuns: 40 },
  );
});

test('no port is leased twice when several processes allocate at once', { timeout: 300_000 }, async () => {
  using temporary = temporaryState();
  const folder = join(temporary.folder, 'ports');
  mkdirSync(folder);
  const program = testProgram('state/state-child');
  const children = ['a', 'b', 'c', 'd'].map((run) =>
    spawn(process.execPath, [program, 'ports', temporary.path, run, '10100', '10114', '25', folder], {
      stdio: 'inherit',
    }),
  );
  const codes = await Promise.all(children.map(async (one) => (await once(one, 'exit'))[0] as number));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(listLeases(temporary.state)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});
