import { expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { NodeClient } from '../../../src/host/node-api/node-client.ts';
import { askDoctor } from '../../../src/hub/nodes/ask-doctor.ts';
import type { DoctorOutput, NodesOutput } from '../../../src/schemas/types.ts';

const nodes = { list: () => ({ version: 1, nodes: [{ name: 'site-a' }] }) as unknown as NodesOutput };
const signal = new AbortController().signal;
const tools: DoctorOutput['checks'][number] = {
  id: 'tools',
  title: 'Programs for disks',
  result: 'warn',
  message: 'old',
  remedy: 'Upgrade.',
  code: null,
};

/** What is found of a node that answers so. */
async function found(answers: Partial<NodeClient>, data: () => Promise<void> = async () => {}): Promise<DoctorOutput> {
  const health: NodeClient['health'] = async () => ({
    status: 'ok',
    version: '1.2.3',
    time: Date.now(),
    tools: [],
    jobs_running: 0,
  });
  const doctor: NodeClient['doctor'] = async () => ({ version: 1, result: 'warn', checks: [tools] });
  const client = { health, doctor, ...answers } as NodeClient;
  return askDoctor({ node: async () => client, checkDataPath: data }, nodes, 'site-a', signal);
}

const results = ({ checks }: DoctorOutput): readonly string[] => checks.map(({ id, result }) => `${id} ${result}`);

test('a node is asked by the hub, and looks at itself', async () => {
  const output = await found({});
  expect(results(output)).toEqual(['hub.api ok', 'hub.data ok', 'tools warn', 'node.doctor ok']);
  expect(output.result).toBe('warn');
});

test('a node that does not answer is told with the way out, and nothing more is tried', async () => {
  const output = await found({
    health: async () => Promise.reject(new SendenseError('node.unreachable', 'it is gone')),
  });
  expect(output.checks).toMatchObject([
    { id: 'hub.api', result: 'fail', message: 'it is gone', code: 'node.unreachable' },
  ]);
  expect(output.checks[0]?.remedy).not.toBe('');
});

test('a clock that differs, a way that is closed, and a node that is too old', async () => {
  const output = await found(
    {
      health: async () => ({ status: 'ok', version: '1', time: Date.now() - 60_000, tools: [], jobs_running: 1 }),
      doctor: async () => Promise.reject(new SendenseError('node.refused', 'no', { details: { status: 404 } })),
    },
    async () => Promise.reject(new SendenseError('data.unreachable', 'closed')),
  );
  expect(results(output)).toEqual(['hub.api warn', 'hub.data fail', 'node.doctor skipped']);
  expect(output.checks[0]?.message).toContain('differs by 60 s');
});

test('there is no doctor for a node that there is not', async () => {
  const services = { node: () => Promise.reject(new Error()), checkDataPath: async () => {} };
  await expect(askDoctor(services, nodes, 'ghost', signal)).rejects.toMatchObject({ code: 'node.unknown' });
});
