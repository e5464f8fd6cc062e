/**
 * The program of the guest: a kernel of its own in a sandbox, that reads the file systems of one restore point. It answers requests on
 * its standard input, one JSON line each, on its standard output.
 */
import { createReadStream, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { GuestErrorCode, GuestLine, HubLine, RequestName } from '../protocol.ts';
import { GuestError } from './guest-error.ts';
import { loadModules } from './modules.ts';
import { Outlet } from './outlet.ts';
import { handlers, type Session } from './requests.ts';
import { Volumes } from './volumes.ts';
import { warmUp } from './warm-up.ts';

const out = process.argv[2] ?? '/out';
const volumes = new Volumes();
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
    const answer = await act(ask, { volumes, out: outlet });
    const rest = await outlet.end();
    say({ id, answer, ...(rest === undefined ? {} : { rest }) });
  } catch (error) {
    say({ id, error: { code: codeOf(error), message: (error as Error).message } });
  } finally {
    outlets.delete(id);
  }
}

type Laid = Extract<HubLine, { readonly do: RequestName }>;

const codeOf = (error: unknown): GuestErrorCode => {
  if (error instanceof GuestError) return error.code;
  // What the guest's kernel says of a file system that is damaged.
  return ['EIO', 'EUCLEAN', 'EBADMSG', 'ENODATA', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')
    ? 'damaged'
    : 'internal';
};

await loadModules('dm-mod', 'fuse');
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
void warmUp(() => isIdle);
