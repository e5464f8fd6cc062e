import type { ChildProcess } from 'node:child_process';
import { isIPv6, type Socket } from 'node:net';
import { isInstalled } from '../programs/bound-words.ts';
import { spawnBound } from '../programs/spawn-bound.ts';
import { lineSplitter } from './line-splitter.ts';

/** Payload of a TCP connection since it was made, as the kernel counts it: what was sent twice counts once. */
export interface ConnectionBytes {
  readonly received: number;
  /** Of those that were sent, the ones that the other side has confirmed. */
  readonly sent: number;
}

/** Looks at a connection that other processes use. It keeps the connection open until its end. */
export interface ByteCounter {
  /** Null where it cannot be told. Never rejects, and takes a second at most. */
  look(): Promise<ConnectionBytes | null>;
  /** A last look; from then on this keeps the connection open no more. */
  end(): Promise<ConnectionBytes | null>;
}

const withinMs = 1000;
const endOfAnswer = '.';
/** One look for each line it hears; with the connection, which it neither reads nor writes, as descriptor 3. */
const script = `while read -r _; do ss -tinH state connected "sport = :$1 and dport = :$2"; echo ${endOfAnswer}; done`;

/**
 * `ss` of iproute2 asks the kernel for the counters of that one connection (TCP_INFO, tcp(7)), without any rights. What asks it is a process
 * of its own that holds the connection, so that the last bytes can be counted when the others have left it.
 * Null where there is no `ss`, or no process can be started.
 * @param socket stays the caller's; it has to be open
 */
export function countBytes(socket: Socket): ByteCounter | null {
  const { localPort, remotePort, remoteAddress } = socket;
  if (!isInstalled('ss') || localPort === undefined || remotePort === undefined || remoteAddress === undefined)
    return null;
  const child = start(['-c', script, 'sendense-count', String(localPort), String(remotePort)], socket);
  if (child === null) return null;
  const waiting: ((bytes: ConnectionBytes | null) => void)[] = [];
  let lines: string[] = [];
  let gone = false;
  child.stdout?.on(
    'data',
    lineSplitter((line) => {
      if (line !== endOfAnswer) return void lines.push(line);
      waiting.shift()?.(bytesIn(lines, remoteAddress));
      lines = [];
    }),
  );
  const leave = (): void => {
    gone = true;
    for (const tell of waiting.splice(0)) tell(null);
  };
  child.on('error', leave);
  child.on('close', leave);
  child.stdin?.on('error', () => {});

  const look = async (): Promise<ConnectionBytes | null> => {
    if (gone) return null;
    const { promise, resolve } = Promise.withResolvers<ConnectionBytes | null>();
    waiting.push(resolve);
    child.stdin?.write('\n');
    const late = setTimeout(() => resolve(null), withinMs);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
    }
  };
  return {
    look,
    end: async () => {
      const last = await look();
      child.stdin?.end();
      if (!gone) await ended(child.pid, new Promise<void>((resolve) => child.once('close', () => resolve())));
      return last;
    },
  };
}

function start(args: readonly string[], socket: Socket): ChildProcess | null {
  try {
    return spawnBound('/bin/sh', args, {
      stdio: ['pipe', 'pipe', 'ignore', socket],
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      signal: 'TERM',
    });
  } catch {
    return null;
  }
}

/** Waits for the process; one that does not end by itself is ended, with what it started. */
async function ended(pid: number | undefined, closed: Promise<void>): Promise<void> {
  const late = setTimeout(() => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone.
    }
  }, withinMs);
  await closed;
  clearTimeout(late);
}

/**
 * The counters of the connection with that address in what `ss -tinH` prints: for each connection a line, and one that begins with a blank.
 * Null where it is not there; a counter that stands at 0 is left out by `ss`.
 */
export function bytesIn(lines: readonly string[], remoteAddress: string): ConnectionBytes | null {
  const wanted = plain(remoteAddress);
  const at = lines.findIndex((line) => !/^\s/.test(line) && plain(peerIn(line)) === wanted);
  const facts = lines[at + 1];
  if (at < 0 || facts === undefined || !/^\s/.test(facts)) return null;
  const counter = (name: string): number => Number(new RegExp(`\\b${name}:([0-9]+)`).exec(facts)?.[1] ?? 0);
  return { received: counter('bytes_received'), sent: counter('bytes_acked') };
}

/** `ESTAB 0 0 192.0.2.1:443 192.0.2.7:40000` */
const peerIn = (line: string): string =>
  line
    .trim()
    .split(/ +/)[4]
    ?.replace(/:[0-9]+$/, '') ?? '';

/** An address in one way of writing: without brackets and interface, IPv4 as such. */
function plain(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const mapped = /^::ffff:([0-9.]+)$/i.exec(bare)?.[1];
  return mapped ?? (isIPv6(bare) ? new URL(`http://[${bare}]`).hostname : bare);
}
