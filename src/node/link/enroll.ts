import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { sshCall } from '../../host/ssh/call.ts';
import { fingerprintOf, keyPairFromSeed } from '../../host/ssh/keys.ts';
import { readSshBanner } from '../../host/ssh/banner.ts';
import type { SshServer } from '../../host/ssh/tunnel.ts';
import type { HostAndPort } from '../../schemas/host-and-port.ts';
import { version } from '../../schemas/package.ts';
import type { EnrollAnswer, EnrollRequest, EnrollToken, Enrolment } from '../../schemas/types.ts';
import { tryToHold } from '../held-name.ts';
import { inStateFolder } from '../held-places.ts';
import { tokenFrom } from '../token.ts';
import { parseEnrollToken } from './enroll-token.ts';
import {
  keyFor,
  linkFolder,
  readEnrolment,
  removeKey,
  removeOtherKeys,
  writeEnrolment,
  type NodeKey,
} from './enrolment-files.ts';
import { answerIn, askHub, firstLine } from './hub-answers.ts';

export interface EnrollOptions {
  readonly stateDir: string;
  /** File of the API's token, made where it is missing: the hub gets the token. */
  readonly tokenFile: string;
  readonly hub: HostAndPort;
  /** What `sendense-run node add` printed. */
  readonly token: string;
  /** Take the place of an enrolment that is there. */
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the node known to a hub: a key pair of its own, the hub's host key pinned from the token, and what the hub answers,
 * written in one piece when all of it is there. What was enrolled before stays as it was until then.
 * @throws SendenseError `enroll.token`, `link.exists`, `link.running`, `link.protocol`, `ssh.*`, `secret.unreadable`
 */
export async function enroll(options: EnrollOptions): Promise<Enrolment> {
  const { stateDir, signal } = options;
  const token = parseEnrollToken(options.token);
  await using alone = await tryToHold('enroll', inStateFolder(stateDir));
  if (!alone) throw new SendenseError('link.running', `another process enrols ${stateDir} at this moment`);
  if (!options.force) await requireNone(stateDir);
  const server: SshServer = { ...options.hub, user: token.user, hostKeys: [token.host_key] };
  // Before anything is written: most that goes wrong is an address or a firewall.
  await readSshBanner(options.hub, { signal });
  const oneTime = keyPairFromSeed(Buffer.from(token.seed, 'base64url'), 'one-time');
  const { token: apiToken } = await tokenFrom(options.tokenFile);
  const key = await keyFor(stateDir, tagOf(oneTime.publicKey), `sendense-node ${token.name}`);
  const request: EnrollRequest = {
    version: 1,
    public_key: key.publicKey.split(' ').slice(0, 2).join(' '),
    api_token: apiToken,
    hostname: hostname() || 'unknown',
    node_version: version,
  };
  const answer = await ask(server, oneTime.privateKey, request, signal)
    .catch((error: unknown) => afterLostAnswer(error, server, key, signal))
    .catch((error: unknown) => giveUp(error, token, key));
  const enrolment: Enrolment = {
    version: 1,
    name: answer.name,
    hub: { ...options.hub, user: token.user, host_key: token.host_key },
    key_file: key.name,
    public_key: request.public_key,
    reverse_port: answer.reverse_port,
    nbd_address: answer.nbd_address,
    nbd_ports: answer.nbd_ports,
    hub_api_port: answer.hub_api_port,
    data: answer.data,
    hub_version: answer.hub_version,
    enrolled: Date.now(),
  };
  await writeEnrolment(stateDir, enrolment);
  await removeOtherKeys(stateDir, key.name);
  return enrolment;
}

async function requireNone(stateDir: string): Promise<void> {
  const before = await readEnrolment(stateDir);
  if (before)
    throw new SendenseError(
      'link.exists',
      `${linkFolder(stateDir)} is enrolled as ${before.name} at ${before.hub.host}:${before.hub.port}`,
    );
}

async function ask(
  server: SshServer,
  privateKey: string,
  request: EnrollRequest,
  signal: AbortSignal | undefined,
): Promise<EnrollAnswer> {
  const { stdout } = await sshCall({
    server,
    privateKey,
    command: 'sendense-enroll',
    stdin: `${JSON.stringify(request)}\n`,
    ...(signal ? { signal } : {}),
  });
  return answerIn('link/enroll-answer.json', firstLine(stdout), `${server.host}:${server.port}`);
}

/**
 * The hub takes a token once. Where its answer to an earlier attempt was lost, the key that was made then is good by now,
 * and the hub says in the link what it said in that answer.
 */
async function afterLostAnswer(
  refused: unknown,
  server: SshServer,
  key: NodeKey,
  signal: AbortSignal | undefined,
): Promise<EnrollAnswer> {
  const { code } = toSendenseError(refused);
  if (!key.foundAgain || !(code === 'enroll.token' || code === 'ssh.key')) throw refused;
  const welcome = await askHub(server, await readFile(key.file), { signal }).catch(() => null);
  if (!welcome) throw refused;
  return welcome.welcome;
}

/** The key goes where the hub surely does not know it. */
async function giveUp(value: unknown, token: EnrollToken, key: NodeKey): Promise<never> {
  const error = toSendenseError(value);
  if (isUndecided(error)) {
    throw new SendenseError(error.code, `${error.message}; the node does not know whether the hub enrolled it`, {
      cause: error,
      remedy: `Run the same command again with the same token. ${error.remedy}`,
    });
  }
  await removeKey(key.file);
  if (error.code !== 'ssh.key') throw error;
  throw new SendenseError('enroll.token', `the hub does not accept the token (or no longer)${expiredAt(token)}`, {
    cause: error,
    remedy:
      'Make a new token on the hub with `sendense-run node add NAME --again`. If OpenSSH answers there, first run `sendense-run node sshd-config --check`.',
  });
}

const isUndecided = ({ code }: SendenseError): boolean =>
  !['enroll.token', 'ssh.key', 'ssh.host-key', 'node.unknown', 'node.exists', 'node.revoked', 'node.ports'].includes(
    code,
  );

const expiredAt = ({ expires }: EnrollToken): string =>
  expires < Date.now() ? `: it was good until ${new Date(expires).toISOString()}` : '';

const tagOf = (publicKey: string): string =>
  fingerprintOf(publicKey)
    .replace('SHA256:', '')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 12);
