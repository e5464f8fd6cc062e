import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isInstalled } from '../programs/bound-words.ts';
import { spawnBound } from '../programs/spawn-bound.ts';

/** The first serial port of a VM of libvirt, from when it was opened. */
export interface DomainConsole extends AsyncDisposable {
  /** What the guest wrote, the last mebibyte. */
  said(): string;
  /** Why it cannot be read, or not any more; null: it can. */
  readonly problem: string | null;
}

const mostText = 1024 * 1024;
const openMs = 30_000;
const endMs = 5000;
const refusedMs = 1000;
/** virsh says it before it asks libvirt for the port. */
const greeting = /^[\s\S]*?Escape character is [^\n]*\n/;

/**
 * Reads the serial port by `virsh console`, to which libvirt gives also users who may not open the port itself. virsh does not say when it
 * is connected. So two ask: libvirt gives the port to one, and when the other one is refused it has done so. What cannot be read is no
 * error, because there are other signs of life. It ends with this process, however that ends.
 */
export async function openConsole(
  uri: string,
  uuid: string,
  { wasOn, signal }: { readonly wasOn: boolean; readonly signal: AbortSignal },
): Promise<DomainConsole> {
  if (!isInstalled('script')) return silent('script(1) is not installed (Debian package bsdutils)');
  const both = [ask(uri, uuid), ask(uri, uuid)];
  const over = AbortSignal.any([signal, AbortSignal.timeout(openMs)]);
  const late = once(over, 'abort');
  await Promise.race([...both.map(({ ended }) => ended), late]);
  // Of one that was on before, somebody else may have the port: then both are refused.
  if (wasOn) await Promise.race([Promise.all(both.map(({ ended }) => ended)), late, delay(refusedMs)]);
  const winner = both.find(({ hasEnded }) => !hasEnded());
  await Promise.all(both.map((one) => (one === winner && !over.aborted ? undefined : one.close())));
  signal.throwIfAborted();
  if (winner && !over.aborted)
    return {
      said: () => winner.text().replace(greeting, ''),
      // The other one may be refused a moment later, too: then somebody else has the port.
      get problem() {
        return winner.hasEnded() ? (lastLine(winner) ?? 'virsh console has ended') : null;
      },
      [Symbol.asyncDispose]: winner.close,
    };
  return silent(both.map(lastLine).find((line) => line !== null) ?? `virsh console did not answer within ${openMs} ms`);
}

/** What virsh said at last; null: nothing. */
const lastLine = ({ text }: { text(): string }): string | null =>
  text().replace(greeting, '').trim().split('\n').at(-1)?.trim() || null;

const silent = (problem: string): DomainConsole => ({
  said: () => '',
  problem,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** virsh wants a terminal, which script(1) is. */
function ask(uri: string, uuid: string) {
  const words = ['-q', '-e', '-f', '-c', 'exec virsh --connect "$URI" console "$UUID"', '/dev/null'];
  const child = spawnBound('script', words, {
    // An input that ends would send the guest a Ctrl-D.
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C', SHELL: '/bin/sh', URI: uri, UUID: uuid },
  });
  let heard = '';
  let over = false;
  child.stdin?.on('error', () => undefined);
  child.stdout?.setEncoding('utf8').on('data', (more: string) => (heard = (heard + more).slice(-mostText)));
  const end = (): void => void (over = true);
  const ended = once(child, 'close').then(end, end);
  return {
    text: () => heard,
    hasEnded: () => over,
    ended,
    async close(): Promise<void> {
      child.kill('SIGKILL');
      child.stdin?.destroy();
      await Promise.race([ended, delay(endMs, undefined, { ref: false })]);
    },
  };
}
