import { portUser } from '../../host/net/port-holder.ts';
import { isPortFree } from '../../host/net/port-probe.ts';
import { hearWord } from '../../host/programs/word-probe.ts';
import type { DataPathTested, DataPathTestRequest } from '../../schemas/types.ts';
import { allowedAddress } from '../limits/allowed-hosts.ts';
import { hostRule } from './host-rule.ts';
import { defineRoute, type Call } from './route.ts';

export const testDataPath = defineRoute<DataPathTestRequest>({
  id: 'testDataPath',
  method: 'POST',
  path: '/api/v1/data-path/test',
  tag: 'node',
  summary: 'Whether the disks of the hub can be reached',
  description:
    'Which loopback ports of the node a program holds, so that no tunnel can have them there; and whether an address of the hub answers ' +
    'with the word that the hub says there. Nothing of what else answers is told. The node connects only where targets of disks may be.',
  body: { schema: 'node/data-path-test.json', bytes: 64 * 1024 },
  answers: { 200: { description: 'What was found.', schema: 'node/data-path-tested.json' } },
  errors: [],
  handle: async (call): Promise<DataPathTested> => {
    const { connect, ports } = call.body;
    const held: DataPathTested['held'] = [];
    for (const port of ports ?? []) if (!(await isPortFree(port))) held.push({ port, holder: portUser(port) });
    const problem = connect ? await hearFrom(connect, call) : null;
    return { held, problem };
  },
});

type Connect = NonNullable<DataPathTestRequest['connect']>;

async function hearFrom(connect: Connect, call: Call<DataPathTestRequest>): Promise<string | null> {
  const allowed = await allowedAddress(connect.host, hostRule(call));
  if ('problem' in allowed) return `${allowed.problem}. ${allowed.remedy}`;
  return hearWord({ ...connect, host: allowed.address }, call.signal);
}
