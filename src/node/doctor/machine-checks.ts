import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { exists, freeBytes } from '../../host/files/files.ts';
import { packageOfTool } from '../../host/programs/known-tools.ts';
import { nodeClient } from '../../host/node-api/node-client.ts';
import { portUser } from '../../host/net/port-holder.ts';
import { binderState, isInstalled } from '../../host/programs/bound-words.ts';
import { reachable, urlOf, type ListenAddress } from '../listen-address.ts';
import { nodeTools } from '../node-tools.ts';
import { readToken } from '../token.ts';
import { fail, failedBy, ok, skipped, warn, type Finding } from './finding.ts';

const MiB = 1024 * 1024;
/** Block indexes and logs of jobs: 32 bytes for each 64 KiB of a disk. */
const scarceBytes = 1024 * MiB;
const tooFewBytes = 64 * MiB;

/** The programs that read and write disks. */
export async function checkTools(): Promise<Finding> {
  const tools = await nodeTools();
  const missing = tools.filter(({ version }) => version === null).map(({ name }) => name);
  const found = tools.map(({ name, version }) => `${name} ${version}`).join(', ');
  if (missing.length === 0) return withBinder(found, binderState());
  const packages = [...new Set(missing.map((name) => packageOfTool(name) ?? name))];
  return fail(`missing or too old: ${missing.join(', ')}`, `apt-get install ${packages.join(' ')}`);
}

function withBinder(found: string, binder: ReturnType<typeof binderState>): Finding {
  if (binder === 'there') return ok(found);
  const why = binder === 'missing' ? 'setpriv is missing' : 'setpriv is too old (it does not know --pdeathsig)';
  return warn(
    `${found}; ${why}, so programs may survive when the process that started them is killed`,
    'apt-get install util-linux (2.33 or newer).',
  );
}

/** @param program as node.yaml says */
export async function checkSshProgram(program: string): Promise<Finding> {
  if (program === 'ssh2') return ok('ssh2 carries the link, as node.yaml says');
  if (isInstalled('ssh')) return ok('OpenSSH carries the link');
  const remedy = 'apt-get install openssh-client';
  return program === 'openssh'
    ? fail('ssh is not installed, and node.yaml wants it', remedy)
    : warn('ssh is not installed; ssh2 carries the link, which is slower', remedy);
}

export async function checkStateFolder(stateDir: string): Promise<Finding> {
  if (!(await exists(stateDir))) {
    const parent = await nearest(stateDir);
    return (await isWritable(parent))
      ? warn(`${stateDir} is not there yet`, 'The first `sendense-node serve` or `enroll` makes it.')
      : fail(
          `${stateDir} is not there, and this user cannot make it in ${parent}`,
          `mkdir, and chown it to user ${process.getuid?.()}; or name another with --state-dir.`,
        );
  }
  const info = await stat(stateDir);
  if (!info.isDirectory()) return fail(`${stateDir} is not a folder`, 'Name another with --state-dir.');
  if (!(await isWritable(stateDir)))
    return fail(`this user cannot write into ${stateDir}`, `Run as user ${info.uid}, or chown the folder.`);
  const free = await freeBytes(stateDir);
  const room = `${Math.floor(free / MiB)} MiB free`;
  if (free < tooFewBytes) return fail(`${stateDir}: ${room}`, 'Free space there: jobs and block indexes need it.');
  if ((info.mode & 0o077) !== 0)
    return warn(`${stateDir} is open to other users (${modeOf(info)})`, `chmod 700 ${stateDir}`);
  return free < scarceBytes
    ? warn(`${stateDir}: ${room}`, 'A block index takes 512 KiB for each GiB of a disk.')
    : ok(`${stateDir}, ${room}`);
}

export async function checkTokenFile(file: string): Promise<Finding> {
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => error);
  if (info instanceof Error) {
    return info.code === 'ENOENT'
      ? warn(`${file} is not there yet`, 'The first `sendense-node serve` or `enroll` makes it.')
      : fail(
          `${file} cannot be read (${info.code})`,
          'Run this as the user of the node, or make that user the owner of the file.',
        );
  }
  await readToken(file);
  return (info.mode & 0o077) === 0
    ? ok(`${file}, ${modeOf(info)}`)
    : fail(
        `others can read ${file} (${modeOf(info)})`,
        `chmod 600 ${file}; then remove it for a new token, and enrol the node anew.`,
      );
}

const silenceMs = 5000;

export async function checkApi(listen: ListenAddress, tokenFile: string, signal: AbortSignal): Promise<Finding> {
  if (!(await exists(tokenFile))) return skipped('there is no token yet');
  const url = urlOf(reachable(listen));
  const token = await readToken(tokenFile);
  const health = await nodeClient({ url, token, silenceMs })
    .health(signal)
    .catch((error: unknown) => toSendenseError(error));
  if (health instanceof SendenseError) {
    const found = failedBy(health);
    const holder = 'port' in listen ? portUser(listen.port) : null;
    return holder === null ? found : { ...found, message: `${found.message} (${holder} holds the port)` };
  }
  const { version, jobs_running: jobs } = health;
  return ok(`${url} answers with the token, version ${version}, jobs running: ${jobs}`);
}

const modeOf = ({ mode }: { readonly mode: number }): string => `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`;

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );

/** The first folder above that is there. */
async function nearest(path: string): Promise<string> {
  const parent = dirname(path);
  return parent === path || (await exists(parent)) ? parent : nearest(parent);
}
