import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeKeyPair, parsePublicKey } from '../../../src/host/ssh/keys.ts';
import { isRunning, thisProcess } from '../../../src/host/programs/process-identity.ts';
import type { SshServer } from '../../../src/host/ssh/tunnel.ts';
import { builtinHostKey } from '../../../src/hub/nodes/host-key.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { enrolNode } from '../../../src/state/nodes/node-enrolment.ts';
import { nodeAddress } from '../../../src/state/nodes/node-address.ts';
import { addNode, requireNode } from '../../../src/state/nodes/nodes.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { allocatePorts, openPortsTo } from '../../../src/state/runs/port-leases.ts';
import { program } from '../fixture.ts';
import type { BenchLine } from './lines.ts';
import { startChild, type Child } from './start-child.ts';

/** `sendense-run hub` with its built-in SSH server. */
export interface BuiltInHub extends Child {
  readonly server: SshServer;
  /** Enrols a node to which these NBD ports are open; answers the file of its key, and where its disks are at the hub. */
  enrol(name: string, ports: readonly number[]): Promise<{ readonly keyFile: string; readonly address: string }>;
}

export const nbdPorts = { from: 10_100, to: 10_200 };

export async function startBuiltInHub(line: BenchLine, folder: string): Promise<BuiltInHub> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(
    join(folder, 'sendense.yaml'),
    `version: 1\nstate: ./sendense.db\nrepositories: { primary: { path: ./repository } }\nhub: { listen: ${line.address}:443 }\n`,
  );
  await using stack = new AsyncDisposableStack();
  const state = openState(join(folder, 'sendense.db'));
  stack.defer(() => state.close());
  const journal = createJournal(state, isRunning);
  const run = { id: 'bench', plan: 'bench', kind: 'backup', vm: 'bench', planFile: '', planFolder: '', lock: null };
  journal.startRun({ ...run, owner: thisProcess(), started: Date.now() });
  const owner = { runId: 'bench', stepId: 'ports' };
  await allocatePorts(state, { count: nbdPorts.to - nbdPorts.from + 1, ...nbdPorts, owner, isFree: () => true });
  const child = await startChild(line.hub, [program, 'hub'], { ready: /"listening"/, cwd: folder });
  stack.use(child);
  const { publicKey } = await builtinHostKey(join(folder, 'hub_host_key'));
  const made = stack.move();
  return {
    pid: child.pid,
    server: { host: line.address, port: 443, user: 'sendense', hostKeys: [publicKey] },
    enrol: async (name, ports) => {
      const oneTimeKey = parsePublicKey(makeKeyPair('token').publicKey) ?? '';
      const own = makeKeyPair(name);
      addNode(state, { name, oneTimeKey, expires: Date.now() + 3_600_000, ports: { from: 9081, to: 9180 } });
      enrolNode(state, {
        oneTimeKey,
        hostname: name,
        version: '1',
        apiToken: `token-of-${name}-0123456789`,
        publicKey: parsePublicKey(own.publicKey) ?? '',
      });
      openPortsTo(state, name, ports);
      const keyFile = join(folder, `${name}.key`);
      await writeFile(keyFile, own.privateKey, { mode: 0o600 });
      return { keyFile, address: nodeAddress(requireNode(state, name).reversePort) };
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}
