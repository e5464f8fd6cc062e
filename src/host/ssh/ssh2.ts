import { existsSync, readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import type * as Ssh2 from 'ssh2';

const load = createRequire(import.meta.url);

/**
 * Leaves out the native cryptography of ssh2 where it would end the process: headers of Node 24.19 to 26.3 compile into it what aborts as
 * soon as a cipher of a closed connection is collected. ssh2 then takes the cryptography of Node, which is slower. `setup.sh` compiles it
 * without. Source: https://github.com/nodejs/node/issues/65446, https://github.com/mscdex/ssh2/issues/1511.
 */
function leaveOutUnsafeCrypto(): void {
  const file = addon();
  if (file === null || isSafe(file)) return;
  const none = new Module(file);
  // ssh2 takes its functions out of it, and goes on without where that fails.
  none.exports = undefined;
  none.loaded = true;
  load.cache[file] = none;
}

function addon(): string | null {
  const file = load
    .resolve('ssh2/lib/protocol/crypto.js')
    .replace(/crypto\.js$/, 'crypto/build/Release/sshcrypto.node');
  return existsSync(file) ? file : null;
}

const isSafe = (file: string): boolean =>
  !readFileSync(file).includes('RemoveEnvironmentCleanupHook') || keepsHooks(process.versions.node);

/** Whether this Node finds the hooks of an object that is collected. */
function keepsHooks(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 26 || (major === 26 && minor >= 4);
}

leaveOutUnsafeCrypto();

/** The package, for whoever calls it: import nothing but types from `ssh2` itself. */
export const ssh2 = load('ssh2') as typeof Ssh2;
