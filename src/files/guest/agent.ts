/**
 * The program of a sandbox that reads the file systems of one restore point, with a kernel of its own or without. It answers requests on
 * its standard input, one JSON line each, on its standard output. Its arguments are the platform and the folder for bytes.
 */
import { createReadStream, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { GuestErrorCode, GuestLine, HubLine, RequestName } from '../protocol.ts';
import { damageOf } from './damage.ts';
import { GuestError } from './guest-error.ts';
import { kernelPlatform } from './kernel.ts';
import { Listing } from './listing.ts';
import { Outlet } from './outlet.ts';
import type { Platform } from './platform.ts';
import { handlers, type Session } from './requests.ts';
import { Volumes } from './volumes.ts';
import { programsPlatform } from './without-kernel/programs-platform.ts';

const platforms: Readonly<Record<string, Platform>> = {
  kernel: kernelPlatform,
  programs: programsPlatform,
};

const [, , named = '', out = '/out'] = process.argv;
const platform = platforms[named] ?? kernelPlatform;
const volumes = new Volumes(platform);
const listing = new Listing();
const outlets = new Map<number, Outlet>();

function say(line: GuestLine): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

async function serve(id: number, name: RequestName, ask: unknown): Promise<void> {
  const outlet = new Outlet(id, out, (chunk, bytes) => say({ id, chunk, bytes }));
  outlets.set(id, outlet);
  try {
    if (!Object.hasOwn(handlers, name)) throw new GuestError('internal', `no request ${name}`);
    const act = handlers[name] as (ask: unknown, session: Session) => Promise<unknown>;
    const answer = await act(ask, { volumes, listing, out: outlet });
    const rest = await outlet.end();
    say({ id, answer, ...(rest === undefined ? {} : { rest }) });
  } catch (error) {
    say({ id, error: toldOf(error) });
  } finally {
    outlets.delete(id);
    outlet.release();
  }
}

type Laid = Extract<HubLine, { readonly do: RequestName }>;

function toldOf(error: unknown): { readonly code: GuestErrorCode; readonly message: string } {
  if (error instanceof GuestError) return { code: error.code, message: error.message };
  const damage = damageOf(error);
  return damage === null
    ? { code: 'internal', message: (error as Error).message }
    : { code: 'damaged', message: damage };
}

await platform.begin();
let isIdle = true;
createInterface({ input: createReadStream('', { fd: 0 }) }).on('line', (text) => {
  const line = JSON.parse(text) as HubLine;
  if ('taken' in line) outlets.get(line.id)?.taken(line.taken);
  else if ('cancel' in line) outlets.get(line.id)?.cancel();
  else {
    isIdle = false;
    const asked = 'laid' in line ? (JSON.parse(readFileSync(`/in/ask${line.id}`, 'utf8')) as Laid) : line;
    void serve(asked.id, asked.do, asked.ask);
  }
});
/** So often the hub hears that something is worked on, ms. */
const aliveMs = 5000;
setInterval(() => {
  if (outlets.size > 0) say({ alive: true });
}, aliveMs);
say({ ready: true });
void platform.warmUp(() => isIdle);
