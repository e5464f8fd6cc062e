import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { isWithin } from '../../host/programs/process-tree.ts';
import { makeRunFolder, removeRunFolder } from '../../host/programs/run-folder.ts';
import { readSshBanner } from '../../host/ssh/banner.ts';
import type { DoctorOutput, Enrolment, LinkStatus } from '../../schemas/types.ts';
import { keyFileOf, readEnrolment } from '../link/enrolment-files.ts';
import { askHub } from '../link/hub-answers.ts';
import { readLinkStatus } from '../link/link-files.ts';
import { nbdHost, remoteForwards, serverOf } from '../link/link-forwards.ts';
import { withWelcome } from '../link/told-by-hub.ts';
import type { ResolvedNodeSettings } from '../node-settings.ts';
import { checkDialled, dialledUser } from './check-dialled.ts';
import { failedBy, ok, skipped, warn, worstOf, type CheckResult, type Finding } from './finding.ts';
import {
  checkClock,
  checkLargePackets,
  checkLink,
  checkLocalPorts,
  checkName,
  checkVersions,
  pinnedKey,
} from './hub-checks.ts';
import { checkApi, checkSshProgram, checkStateFolder, checkTokenFile, checkTools } from './machine-checks.ts';
import { answersAt, healthRequest, hubApiFinding, nbdFinding, withProbe } from './probe-forwards.ts';

export type DoctorSettings = Pick<ResolvedNodeSettings, 'stateDir' | 'listen' | 'tokenFile' | 'hub' | 'program'>;

export interface DoctorOptions {
  readonly settings: DoctorSettings;
  readonly signal: AbortSignal;
  /** Each result as it comes. */
  readonly onCheck?: (check: CheckResult) => void;
}

/**
 * Looks at everything that a node needs, from its own machine to the hub, in the order in which one thing needs the other.
 * Changes nothing; never throws for what it finds. While the link is up nothing is tried that would cut it.
 */
export async function runDoctor({ settings, signal, onCheck }: DoctorOptions): Promise<DoctorOutput> {
  const checks: CheckResult[] = [];
  const check = async (id: string, title: string, look: () => Promise<Finding> | Finding): Promise<CheckResult> => {
    signal.throwIfAborted();
    let found: Finding;
    try {
      found = await look();
    } catch (error) {
      signal.throwIfAborted();
      found = failedBy(error);
    }
    const result: CheckResult = { id, title, remedy: null, code: null, ...found };
    checks.push(result);
    onCheck?.(result);
    return result;
  };
  await checkMachine(settings, signal, check);
  let enrolment: Enrolment | null = null;
  await check('enrolment', 'Enrolment', async () => {
    enrolment = await readEnrolment(settings.stateDir);
    if (!enrolment)
      return warn(
        'this node is not enrolled',
        '`sendense-run node add NAME` on the hub, then `sendense-node enroll` here.',
      );
    await keyFileOf(settings.stateDir, enrolment);
    return ok(`${enrolment.name}, enrolled ${new Date(enrolment.enrolled).toISOString()}`);
  });
  await checkHub(settings, enrolment, signal, check);
  return { version: 1, result: worstOf(checks.map(({ result }) => result)), checks };
}

type Check = (id: string, title: string, look: () => Promise<Finding> | Finding) => Promise<CheckResult>;

async function checkMachine(settings: DoctorSettings, signal: AbortSignal, check: Check): Promise<void> {
  const { stateDir, tokenFile, listen, program } = settings;
  await check('tools', 'Programs for disks', checkTools);
  await check('ssh', 'Program for the link', () => checkSshProgram(program));
  await check('state', 'State folder', () => checkStateFolder(stateDir));
  await check('token', 'Token of the API', () => checkTokenFile(tokenFile));
  await check('api', 'API of this node', () => checkApi(listen, tokenFile, signal));
  const dialled = await dialledUser(stateDir);
  if (dialled) await check('dial', 'Key of a hub that dials', () => checkDialled(dialled, { signal }));
}

async function checkHub(
  settings: DoctorSettings,
  enrolment: Enrolment | null,
  signal: AbortSignal,
  check: Check,
): Promise<void> {
  const hub = settings.hub ?? enrolment?.hub;
  if (!hub) return;
  const name = await check('dns', 'Name of the hub', () => checkName(hub));
  const reached =
    name.result === 'ok' &&
    (await check('tcp', 'SSH server of the hub', async () => {
      return ok(`${hub.host}:${hub.port} answers ${await readSshBanner(hub, { signal })}`);
    }));
  // Of a connection of its own, which cuts no link that is up.
  if (reached && reached.result === 'ok') await check('mtu', 'Large packets', () => checkLargePackets(hub, { signal }));
  if (!enrolment) return;
  const status = await settledStatus(settings.stateDir, signal);
  await check('link', 'Link', () => checkLink(status));
  const held = (pid: number): boolean =>
    status !== null && status.state !== 'stopped' && isWithin(pid, status.process.pid);
  await check('ports', 'Ports of the link', () => checkLocalPorts(enrolment, status, held));
  const isAnother = hub.host !== enrolment.hub.host || hub.port !== enrolment.hub.port;
  if (status?.state === 'up' && isAnother)
    await check('host-key', 'Host key of the hub', () =>
      skipped(
        `the link is up; stop it to try ${hub.host}:${hub.port} in the place of ${enrolment.hub.host}:${enrolment.hub.port}`,
      ),
    );
  else if (status?.state === 'up') await reportLive(enrolment, status, check);
  else if (reached && reached.result === 'ok') await tryHub(settings, enrolment, signal, check);
}

const connectingMs = 10_000;

/** A link that is about to come up must not be cut by a connection of ours: it gets a moment. */
async function settledStatus(stateDir: string, signal: AbortSignal): Promise<LinkStatus | null> {
  for (const end = performance.now() + connectingMs; ; await delay(100, undefined, { signal })) {
    const status = await readLinkStatus(stateDir);
    if (status?.state !== 'connecting' || performance.now() > end) return status;
  }
}

/** A link that is up has proven what another connection could prove, and one more would cut it. */
async function reportLive(enrolment: Enrolment, status: LinkStatus, check: Check): Promise<void> {
  await check('host-key', 'Host key of the hub', () => ok(`${pinnedKey(enrolment)}, as pinned; proven by the link`));
  await check('key', 'Key of this node', () => ok('accepted; proven by the link'));
  await check('session', 'Answer of the hub', () => checkVersions(status.name, status.hub_version));
  await check('clock', 'Clocks', () => checkClock(status.clock_skew_ms ?? 0));
  const [reverse, nbd, [apiId, apiTitle]] = forwardChecks;
  for (const [id, title] of [reverse, nbd])
    await check(id, title, () => skipped('the link is up; stop it to try each forward by itself'));
  const port = enrolment.hub_api_port;
  await check(apiId, apiTitle, async () =>
    hubApiFinding(port, { allowed: true, answered: await answersAt({ port }, healthRequest) }),
  );
}

const forwardChecks = [
  ['forward.reverse', 'Port of this node at the hub'],
  ['forward.nbd', 'Ports of disks at the hub'],
  ['forward.hub-api', "Hub's API"],
] as const;

/** Connects as the link would, first without a forward, then with each of them. */
async function tryHub(
  settings: DoctorSettings,
  enrolment: Enrolment,
  signal: AbortSignal,
  check: Check,
): Promise<void> {
  const server = serverOf(enrolment, settings.hub);
  const asked = await keyFileOf(settings.stateDir, enrolment)
    .then(async (file) => askHub(server, await readFile(file), { signal }))
    .catch((error: unknown) => toSendenseError(error));
  const error = asked instanceof SendenseError ? asked : null;
  const at = (...codes: readonly string[]): boolean => error !== null && codes.includes(error.code);
  if (at('ssh.unreachable', 'ssh.lost', 'link.damaged'))
    return void (await check('session', 'Answer of the hub', () => failedBy(error)));
  await check('host-key', 'Host key of the hub', () =>
    at('ssh.host-key') ? failedBy(error) : ok(`${pinnedKey(enrolment)}, as pinned`),
  );
  if (at('ssh.host-key')) return;
  await check('key', 'Key of this node', () => (at('ssh.key') ? failedBy(error) : ok('accepted')));
  if (at('ssh.key')) return;
  if (asked instanceof SendenseError) return void (await check('session', 'Answer of the hub', () => failedBy(asked)));
  const { welcome, skewMs } = asked;
  await check('session', 'Answer of the hub', () => checkVersions(welcome.name, welcome.hub_version));
  await check('clock', 'Clocks', () => checkClock(skewMs));
  await tryForwards(settings, withWelcome(enrolment, welcome), signal, check);
}

async function tryForwards(
  settings: DoctorSettings,
  enrolment: Enrolment,
  signal: AbortSignal,
  check: Check,
): Promise<void> {
  const runFolder = `doctor-${process.pid}-${randomUUID().slice(0, 8)}`;
  const { from, to } = enrolment.nbd_ports;
  const nbdPorts = from === to ? [from] : [from, to];
  const targets = [
    ...nbdPorts.map((port) => ({ host: nbdHost(enrolment), port })),
    { host: '127.0.0.1', port: enrolment.hub_api_port },
  ];
  const common = {
    server: serverOf(enrolment, settings.hub),
    keyFile: await keyFileOf(settings.stateDir, enrolment),
    program: settings.program,
    folder: await makeRunFolder(runFolder),
    signal,
  };
  const [[reverseId, reverseTitle], [nbdId, nbdTitle], [apiId, apiTitle]] = forwardChecks;
  try {
    await check(reverseId, reverseTitle, () =>
      withProbe({ ...common, remote: remoteForwards(enrolment, settings.listen), ports: [] }, async () =>
        ok(`the hub gives port ${enrolment.reverse_port} to this node`),
      ),
    );
    await withProbe({ ...common, remote: [], ports: targets }, async (probe) => {
      await check(nbdId, nbdTitle, async () => {
        const answers = [];
        for (const port of nbdPorts) answers.push([port, await probe.port(port)] as const);
        return nbdFinding(answers);
      });
      await check(apiId, apiTitle, async () => {
        return hubApiFinding(enrolment.hub_api_port, await probe.port(enrolment.hub_api_port, healthRequest));
      });
    });
  } catch (error) {
    await check(nbdId, nbdTitle, () => failedBy(error));
  } finally {
    await removeRunFolder(runFolder);
  }
}
