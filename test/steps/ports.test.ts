import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { PortsAllocateOutput, PortsReleaseOutput } from '../../src/schemas/types.ts';
import { listLeases } from '../../src/state/runs/port-leases.ts';
import { portsAllocate } from '../../src/steps/ports/ports-allocate.ts';
import { portsRelease } from '../../src/steps/ports/ports-release.ts';
import { waitFor } from '../../src/steps/ports/wait-for.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { someDecision } from './some-decision.ts';
import { ownPorts } from '../support/free-ports.ts';
import { stepBench, type StepBench } from './step-bench.ts';

const disks = (count: number) => Array.from({ length: count }, (_, number) => someDecision({ number }));
const allocate = (bench: StepBench, count: number, run: string, more: object = {}) =>
  bench.run<PortsAllocateOutput>(portsAllocate, { disks: disks(count), ...more }, { run });

/** A range of four ports that nobody else uses. */
async function fourPorts(wait = '0s'): Promise<{ bench: StepBench; from: number }> {
  const from = ownPorts(4);
  return { from, bench: await stepBench({ ports: { from, to: from + 3, wait } }) };
}

/** Another user of this host listens there. */
function heldByNobody(ports: readonly number[]): AsyncDisposable & { readonly ready: Promise<unknown> } {
  const script = `import os, socket, sys
os.setgid(65534); os.setuid(65534)
held = [socket.create_server(('127.0.0.1', int(port))) for port in sys.argv[1:]]
print('held', flush=True); sys.stdin.read()`;
  const child = spawn('python3', ['-c', script, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  return {
    ready: once(child.stdout, 'data'),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

describe('ports.allocate', () => {
  test('leases the lowest ports of the range, one per disk', async () => {
    const { bench, from } = await fourPorts();
    await using _bench = bench;
    const { output } = await allocate(bench, 2, 'run-1');
    expect(output).toEqual({
      leases: [
        { disk: 'disk-0', port: from },
        { disk: 'disk-1', port: from + 1 },
      ],
    });
    expect((await allocate(bench, 2, 'run-2')).output.leases.map(({ port }) => port)).toEqual([from + 2, from + 3]);
    expect(listLeases(bench.state)).toHaveLength(4);
  });

  test('a port that another program holds is passed over', async () => {
    const { bench, from } = await fourPorts();
    await using _bench = bench;
    const holder = createServer().listen(from, '127.0.0.1');
    await once(holder, 'listening');
    expect((await allocate(bench, 2, 'run-1')).output.leases.map(({ port }) => port)).toEqual([from + 1, from + 2]);
    holder.close();
    await once(holder, 'close');
  });

  test('a second attempt starts from nothing instead of taking more', async () => {
    const { bench, from } = await fourPorts();
    await using _bench = bench;
    for (let round = 0; round < 3; round++)
      expect((await allocate(bench, 3, 'run-1')).output.leases[0]?.port).toBe(from);
    expect(listLeases(bench.state)).toHaveLength(3);
  });

  test('exhaustion says who holds how many, can be tried again, and leaves nothing', async () => {
    const { bench, from } = await fourPorts();
    await using _bench = bench;
    await allocate(bench, 3, 'run-1');
    const refused: SendenseError = await allocate(bench, 2, 'run-2').then(
      () => null as never,
      (error: SendenseError) => error,
    );
    expect(refused).toMatchObject({ code: 'ports.exhausted', entry: { exit: 75, retry: 'temporary' } });
    expect(refused.message).toContain(`2 NBD ports are needed, but of 4 (${from}-${from + 3})`);
    expect(refused.message).toContain('3 by run run-1');
    expect(listLeases(bench.state)).toHaveLength(3);
  });

  test('waits until another run gives its ports back, as long as the settings or the step say', async () => {
    const { bench } = await fourPorts('1m');
    await using _bench = bench;
    const first = await allocate(bench, 4, 'run-1');
    const waiting = allocate(bench, 2, 'run-2');
    await expect.poll(() => listLeases(bench.state).length).toBe(4);
    await bench.undo(portsAllocate, first.claim, { run: 'run-1' });
    const { output, logs } = await waiting;
    expect(output.leases).toHaveLength(2);
    expect(logs.join()).toMatch(/^$|waiting up to 60 s/);
    await expect(allocate(bench, 4, 'run-3', { wait: '10ms' })).rejects.toMatchObject({ code: 'ports.exhausted' });
  });

  test('ports that another user holds are not waited for, and the error names the user and the program', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, from } = await fourPorts('1h');
    stack.use(bench);
    await allocate(bench, 1, 'run-1');
    await stack.use(heldByNobody([from + 1, from + 2, from + 3])).ready;
    // One is leased to a run, which will give it back.
    const waiting = new AbortController();
    const patient = bench.run(portsAllocate, { disks: disks(1) }, { run: 'run-2', signal: waiting.signal });
    const refused: SendenseError = await allocate(bench, 2, 'run-3').then(
      () => null as never,
      (error: SendenseError) => error,
    );
    expect(refused).toMatchObject({ code: 'ports.taken', entry: { exit: 75, retry: 'temporary' } });
    expect(refused.message).toMatch(
      new RegExp(`of 4 .* taken: 1 by run run-1, 3 by python3 \\(process \\d+\\) of user nobody \\(${from + 1}, `),
    );
    waiting.abort(new Error('it still waited'));
    await expect(patient).rejects.toThrow('it still waited');
  });

  test('an abort ends the wait with its reason', async () => {
    const { bench } = await fourPorts('1h');
    await using _bench = bench;
    await allocate(bench, 4, 'run-1');
    const controller = new AbortController();
    const reason = new SendenseError('run.cancelled', 'enough');
    const waiting = bench.run(portsAllocate, { disks: disks(1) }, { run: 'run-2', signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(waiting).rejects.toBe(reason);
  });

  test('a dry-run shows the range and leases nothing', async () => {
    const { bench, from } = await fourPorts();
    await using _bench = bench;
    await allocate(bench, 1, 'run-1');
    const preview = await bench.plan(portsAllocate, { disks: disks(2) }, 'run-2');
    expect(preview.effects).toEqual([
      { action: 'lease', target: `2 of ports ${from}-${from + 3}`, detail: '1 of 4 are leased now', argv: null },
    ]);
    expect(listLeases(bench.state)).toHaveLength(1);
  });
});

test('ports.release gives back those of its run alone, and again is fine', async () => {
  const { bench } = await fourPorts();
  await using _bench = bench;
  const first = await allocate(bench, 2, 'run-1');
  await allocate(bench, 1, 'run-2');
  const release = () => bench.run<PortsReleaseOutput>(portsRelease, { leases: first.output.leases }, { run: 'run-1' });
  expect((await release()).output).toEqual({ released: 2 });
  expect((await release()).output).toEqual({ released: 0 });
  expect(listLeases(bench.state).map(({ run_id }) => run_id)).toEqual(['run-2']);
});

describe('waitFor', () => {
  const refusal = new SendenseError('ports.exhausted', 'none');
  const options = {
    code: 'ports.exhausted',
    waitMs: 5000,
    signal: new AbortController().signal,
    onWait: () => undefined,
  } as const;

  test('says once that it waits, and gives what comes', async () => {
    const said: string[] = [];
    let round = 0;
    const attempt = () => (++round < 3 ? Promise.reject(refusal) : Promise.resolve(round));
    expect(await waitFor(attempt, { ...options, onWait: (message) => said.push(message) })).toBe(3);
    expect(said).toEqual(['none; waiting up to 5 s']);
  });

  test('another error ends it at once', async () => {
    await expect(waitFor(() => Promise.reject(new SendenseError('disk.full', 'x')), options)).rejects.toMatchObject({
      code: 'disk.full',
    });
  });

  test('with no time to wait it tries exactly once', async () => {
    let rounds = 0;
    await expect(waitFor(() => ((rounds += 1), Promise.reject(refusal)), { ...options, waitMs: 0 })).rejects.toBe(
      refusal,
    );
    expect(rounds).toBe(1);
  });
});
