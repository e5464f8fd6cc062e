import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { writeFileDurably, writeNewFile } from '../../host/files/files.ts';
import { makeKeyPair } from '../../host/ssh/keys.ts';
import type { Enrolment } from '../../schemas/types.ts';
import { describeErrors, validatorOf } from '../../schemas/validator.ts';
import { readNamedFile } from '../../host/files/named-file.ts';

export interface NodeKey {
  /** Absolute path of the private key, OpenSSH format, mode 0600. */
  readonly file: string;
  readonly name: string;
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string;
  /** It was there already: an enrolment with the same token began and its end is not known. */
  readonly foundAgain: boolean;
}

const keyName = 'id_ed25519';

/** `STATE/link`: hub.json, the node's key, status.json, and the tunnel's own folder. */
export const linkFolder = (stateDir: string): string => join(stateDir, 'link');
const hubFile = (stateDir: string): string => join(linkFolder(stateDir), 'hub.json');

export async function makeLinkFolder(stateDir: string): Promise<string> {
  const folder = linkFolder(stateDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The enrolment; null where there is none. @throws SendenseError `link.damaged` */
export async function readEnrolment(stateDir: string): Promise<Enrolment | null> {
  const file = hubFile(stateDir);
  let text: string;
  try {
    text = (await readNamedFile(file)).toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new SendenseError('link.damaged', `${file} cannot be read (${code})`, { cause });
  }
  const value = parsed(text);
  const validate = validatorOf('link/enrolment.json');
  if (validate(value)) return value as Enrolment;
  throw new SendenseError(
    'link.damaged',
    `${file} is not a valid enrolment: ${value === undefined ? 'no JSON' : describeErrors(validate.errors)}`,
  );
}

/** @throws SendenseError `link.none`, `link.damaged` */
export async function requireEnrolment(stateDir: string): Promise<Enrolment> {
  const enrolment = await readEnrolment(stateDir);
  if (enrolment === null) throw new SendenseError('link.none', `there is no enrolment in ${linkFolder(stateDir)}`);
  return enrolment;
}

/** The one write that makes a node enrolled, or changes what the hub said; whole or not at all. */
export const writeEnrolment = (stateDir: string, enrolment: Enrolment): Promise<void> =>
  writeFileDurably(hubFile(stateDir), `${JSON.stringify(enrolment, null, 2)}\n`, 0o600);

/** The file of the private key. @throws SendenseError `link.damaged` where it is missing, or others may read it */
export async function keyFileOf(stateDir: string, enrolment: Enrolment): Promise<string> {
  const file = join(linkFolder(stateDir), enrolment.key_file);
  const info = await lstat(file).catch((error: NodeJS.ErrnoException) => error);
  if (info instanceof Error) throw new SendenseError('link.damaged', `the key ${file} cannot be read (${info.code})`);
  if (!info.isFile()) throw new SendenseError('link.damaged', `the key ${file} is not a plain file`);
  if ((info.mode & 0o077) !== 0)
    throw new SendenseError(
      'link.damaged',
      `the key ${file} has mode ${(info.mode & 0o777).toString(8).padStart(4, '0')}: others may have read it`,
      { remedy: 'Enrol the node again: get a new token from the hub, then run `sendense-node enroll --force`.' },
    );
  return file;
}

/**
 * The node's key pair for one enrolment, on disk before the hub hears of it: where the answer is lost, the same key can be
 * asked for again.
 * @param tag says which token it is for
 */
export async function keyFor(stateDir: string, tag: string, comment: string): Promise<NodeKey> {
  const name = `${keyName}.${tag}`;
  const file = join(await makeLinkFolder(stateDir), name);
  const before = await readFile(`${file}.pub`, 'utf8').catch(() => null);
  if (before !== null && (await lstat(file).catch(() => null)))
    return { file, name, publicKey: before.trim(), foundAgain: true };
  await removeKey(file);
  const { privateKey, publicKey } = makeKeyPair(comment);
  await writeNewFile(`${file}.pub`, `${publicKey}\n`, 0o600);
  await writeNewFile(file, privateKey, 0o600);
  return { file, name, publicKey, foundAgain: false };
}

export async function removeKey(file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(`${file}.pub`, { force: true });
}

/** Removes the keys of other enrolments, earlier or never finished. */
export async function removeOtherKeys(stateDir: string, kept: string): Promise<void> {
  const folder = linkFolder(stateDir);
  for (const name of await readdir(folder))
    if (name.startsWith(`${keyName}`) && name !== kept && name !== `${kept}.pub`)
      await rm(join(folder, name), { force: true });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
