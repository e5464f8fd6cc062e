import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run, type Ended } from './programs.ts';

const parent = '/usr/lib/uml/modules';

/** `dm-crypt` last: what it is built on looks for ciphers when it is loaded. */
export const cryptModules = [
  'cbc',
  'ecb',
  'hmac',
  'xts',
  'authenc',
  'essiv',
  'sha512_generic',
  'algif_hash',
  'algif_skcipher',
  'dm-crypt',
];

let known: { readonly folder: string; readonly needs: ReadonlyMap<string, readonly string[]> } | undefined;
const loaded = new Map<string, Promise<Ended>>();

/**
 * Loads modules of the guest's kernel with what they need. One that is not there is built in, or the kernel cannot do it: what asked for
 * it finds out.
 */
export async function loadModules(...names: readonly string[]): Promise<void> {
  const { folder, needs } = (known ??= readTable());
  for (const name of names) {
    const [file, ...below] = needs.get(plain(name)) ?? [];
    if (file === undefined) continue;
    for (const one of [...below.toReversed(), file]) {
      let loading = loaded.get(one);
      if (!loading) loaded.set(one, (loading = run('busybox', ['insmod', join(folder, one)])));
      // What it needs may come later: then it is tried again.
      if ((await loading).status !== 0) loaded.delete(one);
    }
  }
}

const plain = (name: string): string => name.replaceAll('-', '_');

/** By name: the file and those that it needs. Source: modules.dep(5). */
function readTable(): { folder: string; needs: Map<string, string[]> } {
  const needs = new Map<string, string[]>();
  let folder = parent;
  try {
    folder = join(parent, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
    if (!readdirSync(parent).includes(basename(folder))) return { folder, needs };
    for (const line of readFileSync(join(folder, 'modules.dep'), 'utf8').split('\n')) {
      const [file = '', below = ''] = line.split(':');
      if (file !== '') needs.set(plain(basename(file, '.ko')), [file, ...below.split(' ').filter(Boolean)]);
    }
  } catch {
    // A kernel without modules.
  }
  return { folder, needs };
}
