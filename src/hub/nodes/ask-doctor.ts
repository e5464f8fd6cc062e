import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { DoctorOutput } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import type { Nodes } from './manage-nodes.ts';

type CheckResult = DoctorOutput['checks'][number];
type Finding = Pick<CheckResult, 'result' | 'message'> & Partial<CheckResult>;

/** More than this between the clocks makes certificates and times of restore points doubtful, ms. */
const skewMs = 5000;

/** What the hub finds when it asks a node, and then what the node finds itself. @throws SendenseError `node.unknown` */
export async function askDoctor(
  { node, checkDataPath }: Pick<Services, 'node' | 'checkDataPath'>,
  nodes: Pick<Nodes, 'list'>,
  name: string,
  signal: AbortSignal,
): Promise<DoctorOutput> {
  if (!nodes.list().nodes.some((one) => one.name === name))
    throw new SendenseError('node.unknown', `there is no node ${name}`);
  const checks: CheckResult[] = [];
  const check = async (id: string, title: string, look: () => Promise<Finding>): Promise<boolean> => {
    const found = await look().catch((error: unknown): Finding => {
      signal.throwIfAborted();
      const { message, remedy, code } = toSendenseError(error);
      return { result: 'fail', message, remedy, code };
    });
    checks.push({ id, title, remedy: null, code: null, ...found });
    return found.result !== 'fail';
  };
  const answers = await check('hub.api', 'The node answers the hub', async () => healthOf(await node(name), signal));
  if (answers) {
    await check('hub.data', 'Way to the disks of the hub', async () => {
      await checkDataPath(name, signal);
      return { result: 'ok', message: 'nothing is in its way' };
    });
    await check('node.doctor', 'Checks of the node', async () => {
      const own = await ownChecks(await node(name), signal);
      checks.push(...(own?.checks ?? []));
      return own
        ? { result: 'ok', message: `${own.checks.length} checks, made on the node` }
        : {
            result: 'skipped',
            message: 'this version of the node makes them only on its own machine',
            remedy: 'Upgrade the node, or run `sendense-node doctor` there.',
          };
    });
  }
  return { version: 1, result: worstOf(checks), checks };
}

async function healthOf(client: NodeClient, signal: AbortSignal): Promise<Finding> {
  const began = Date.now();
  const { version, status, time, jobs_running: jobs } = await client.health(signal);
  const took = Date.now() - began;
  const skew = Math.abs(time - (began + took / 2)) - took / 2;
  const message = `version ${version}, in ${took} ms; ${jobs} jobs run`;
  if (skew > skewMs)
    return {
      result: 'warn',
      message: `${message}; its clock differs by ${Math.round(skew / 1000)} s`,
      remedy: 'Let NTP set the clocks of both machines.',
    };
  return status === 'ok'
    ? { result: 'ok', message }
    : { result: 'warn', message: `${message}; programs are missing`, remedy: 'The checks of the node name them.' };
}

/** Null where the node is too old. */
async function ownChecks(client: NodeClient, signal: AbortSignal): Promise<DoctorOutput | null> {
  try {
    return await client.doctor(signal);
  } catch (error) {
    if (error instanceof SendenseError && error.details?.['status'] === 404) return null;
    throw error;
  }
}

const worstOf = (checks: readonly CheckResult[]): DoctorOutput['result'] =>
  (['fail', 'warn'] as const).find((worst) => checks.some(({ result }) => result === worst)) ?? 'ok';
