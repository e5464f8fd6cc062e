import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startNode } from '../../src/node/start-node.ts';
import { freePorts } from '../support/free-ports.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, incrementalPlan, makeRaw, workspace, writeAt } from './workspace.ts';

const MiB = 1024 * 1024;
const token = 'canary-token-0123456789abcdef';

/** Holds 400 connections to a port that say nothing, and makes each again that is ended, from before the port is open on. Says how many it has made. */
const holder = `import socket, sys, time, select
port, held, made = int(sys.argv[1]), [], 0
print('up', flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    while len(held) < 400:
        s = socket.socket()
        try: s.connect(('127.0.0.1', port)); s.setblocking(False); held.append(s); made += 1
        except OSError: s.close(); break
    for s in held[:]:
        try:
            if s.recv(64) == b'': s.close(); held.remove(s)
        except BlockingIOError: pass
        except OSError: s.close(); held.remove(s)
    time.sleep(0.001 if len(held) < 400 else 0.05)
print(made, flush=True)`;

test(
  'a user of the hub who holds hundreds of silent connections to the port of a run stops no backup',
  { timeout: 300_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const [apiPort = 0, port = 0] = await freePorts(2);
    const at = stack.use(
      await workspace({
        settings: `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
ports: { from: ${port}, to: ${port} }
nodes:
  esx: { mode: direct, url: 'http://127.0.0.1:${apiPort}', token: { secret: { file: ./token } } }
`,
      }),
    );
    await at.write('token', token);
    stack.use(await startNode({ listen: { host: '127.0.0.1', port: apiPort }, stateDir: at.path('node'), token }));
    const disk = at.path('disk.raw');
    await makeRaw(disk, 32 * MiB, [[0, 20 * MiB]]);
    const slow = 'node: esx\nlimits: { diskRate: 8MiB }\n';
    await at.write('full.yaml', backupPlan([disk], slow));
    await at.write('next.yaml', incrementalPlan([disk], slow));

    const neighbour = spawn('python3', ['-c', holder, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(neighbour, 'exit');
    await once(neighbour.stdout, 'data');
    expect((await at.run('full.yaml')).finished).toMatchObject({ status: 'succeeded' });
    await writeAt(disk, [5 * MiB, Buffer.alloc(4 * MiB, 3)]);
    expect((await at.run('next.yaml')).finished).toMatchObject({ status: 'succeeded' });
    neighbour.stdin.end();
    const [made] = (await once(neighbour.stdout, 'data')) as [Buffer];
    await ended;
    expect(Number(made.toString())).toBeGreaterThanOrEqual(800);
    expect(leftovers(at.folder)).toEqual([]);
  },
);
