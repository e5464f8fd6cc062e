import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readRegular } from '../../host/files/regular-file.ts';
import { replaceFile } from '../../host/files/replace-file.ts';
import { careFolder } from '../layout.ts';
import { strayFolder } from '../stray-folder.ts';
import { sha256OfFile } from '../sha256-of-file.ts';

const copyName = /^state-[0-9]{8}-v[0-9]+-[0-9a-f]{8}\.db$/;

/** Beside a copy of a state database: its SHA-256 as `sha256sum` writes it. */
export const proofOf = (copy: string): string => `${copy}.sha256`;

const readProof = async (copy: string): Promise<string> => (await readRegular(proofOf(copy))).toString('utf8');

/**
 * Puts a copy in place with its proof. For the moment in between the proof fits the old copy and the new one.
 * @param copy absolute path @param place does it
 */
export async function withProof(copy: string, temporary: string, place: () => Promise<void>): Promise<void> {
  const line = `${await sha256OfFile(temporary)}  ${basename(copy)}\n`;
  const before = await readProof(copy).catch(() => '');
  replaceFile(proofOf(copy), `${line}${before}`, { mode: 0o600 });
  await place();
  replaceFile(proofOf(copy), line, { mode: 0o600 });
}

/** @param copy absolute path */
export async function removeCopy(copy: string): Promise<void> {
  await rm(copy, { force: true });
  await rm(proofOf(copy), { force: true });
}

/** What is wrong with the copies of state databases in a repository, a sentence each. Those of before there were proofs are passed over. */
export async function faultsOfCopies(root: string, signal?: AbortSignal): Promise<string[]> {
  const folder = join(root, careFolder);
  const stray = await strayFolder(root, join(careFolder, 'any'));
  if (stray !== null) return [`${careFolder} ${stray}`];
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const faults: string[] = [];
  for (const name of names.filter((entry) => copyName.test(entry)).toSorted()) {
    const fault = await faultOf(join(folder, name), signal);
    if (fault !== null) faults.push(`${join(careFolder, name)} ${fault}`);
  }
  return faults;
}

async function faultOf(copy: string, signal: AbortSignal | undefined): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    try {
      const proof = await readProof(copy).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (proof === null) return null;
      const sha256 = await sha256OfFile(copy, signal);
      if (proof.split('\n').includes(`${sha256}  ${basename(copy)}`)) return null;
      // A new one may just have come.
      if (proof === (await readProof(copy)) || tries === 3) return `is damaged: its SHA-256 is ${sha256}`;
    } catch (error) {
      signal?.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      // Removed meanwhile: it was one too many.
      if (code === 'ENOENT' && !(await readdir(dirname(copy))).includes(basename(copy))) return null;
      return `cannot be read: ${message}`;
    }
  }
}
