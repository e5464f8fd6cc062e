import { execa } from 'execa';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import type { Site, SiteNode } from './site.ts';

export interface Answer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What somebody on a node's machine can try who has its keys, or keys of his own. */
export interface Attacker {
  /** The system's ssh to the hub. `input` is left open where it is not given, so that a session is held. */
  ssh(key: string, args: readonly string[], input?: string): Promise<Answer>;
  /** Sends bytes to an address, waits for the other side to close, and answers with what came. */
  talk(host: string, port: number, text: string | Buffer, options?: { readonly dripMs?: number }): Promise<string>;
  /** A key that nobody knows. */
  rogueKey(): Promise<string>;
}

const talkScript = `
const [host, port, dripMs] = process.argv.slice(1);
const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', async () => {
  const socket = require('net').connect({ host, port, allowHalfOpen: true });
  socket.on('error', (error) => process.stdout.write(error.code)).pipe(process.stdout);
  socket.on('close', () => process.exit());
  socket.on('end', () => socket.end());
  const bytes = Buffer.concat(chunks);
  if (!Number(dripMs)) return void socket.write(bytes);
  for (let at = 0; ; at = (at + 1) % bytes.length) {
    if (socket.destroyed) return;
    socket.write(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, Number(dripMs)));
  }
});`;

export function attackerOn(site: Site, node: SiteNode): Attacker {
  const [file = '', ...prefix] = node.host.prefix;
  const user = site.mode === 'openssh' ? 'root' : 'sendense';
  const knownHosts = site.work.path('known-by-attacker');
  return {
    async ssh(key, args, input) {
      const options = `-F none -p 443 -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=20 -o ExitOnForwardFailure=yes`;
      await writeFile(knownHosts, `[${site.net.hub.address}]:443 ${await hostKeyOf(node)}\n`);
      const destination = `${user}@${site.net.hub.address}`;
      const result = await execa(
        file,
        [
          ...prefix,
          'ssh',
          ...options.split(' '),
          '-o',
          `UserKnownHostsFile=${knownHosts}`,
          '-i',
          key,
          ...args.slice(0, -1),
          destination,
          args.at(-1) ?? '',
        ].filter(Boolean),
        {
          reject: false,
          timeout: 300_000,
          ...(input === undefined ? { stdin: 'ignore' } : { input }),
        },
      );
      return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) };
    },
    async talk(host, port, text, { dripMs = 0 } = {}) {
      const argv = [...prefix, process.execPath, '-e', talkScript, host, String(port), String(dripMs)];
      return String((await execa(file, argv, { input: text, timeout: 200_000, reject: false })).stdout);
    },
    async rogueKey() {
      const path = join(site.work.folder, 'rogue');
      await writeFile(path, makeKeyPair('rogue').privateKey, { mode: 0o600 });
      return path;
    },
  };
}

const enrolmentOf = async (node: SiteNode): Promise<{ key_file: string; hub: { host_key: string } }> =>
  (await import(join(node.stateDir, 'link/hub.json'), { with: { type: 'json' } })).default as never;
const hostKeyOf = async (node: SiteNode): Promise<string> => (await enrolmentOf(node)).hub.host_key;
/** The private key of an enrolled node. */
export const keyOf = async (node: SiteNode): Promise<string> =>
  join(node.stateDir, 'link', (await enrolmentOf(node)).key_file);
