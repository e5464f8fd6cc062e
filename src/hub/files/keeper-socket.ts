import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keeperToken } from '../../files/client/wire.ts';
import type { Settings } from '../../schemas/types.ts';
import { isPrivate, makePlaceFor, placeFor, privatePlaces } from '../../host/programs/private-places.ts';

/** Name of the only way to read that the settings allow; undefined: any. */
export const chosenReader = ({ files }: Pick<Settings, 'files'>): string | undefined =>
  files.reader === 'auto' ? undefined : files.reader;

/** Header of a request: who asks the hub's API, which asks the keeper. Others are the keeper's own user. */
export const callerHeader = 'x-sendense-caller';
/** With it: what tells that caller from others of the same name. */
export const identityHeader = 'x-sendense-caller-identity';
/** With it: where that caller called from. */
export const addressHeader = 'x-sendense-caller-address';
/** With it, any value: that caller may close what others have open. */
export const closesAllHeader = 'x-sendense-closes-all';

/** What systemd makes for the unit `sendense-files` (`src/cli/units/units.ts`). */
export const unitFolder = '/run/sendense-files';

/** A hub whose files are kept open. */
export interface KeeperOf {
  /** Absolute. */
  readonly settingsFile: string;
  readonly settings: Settings;
  /** Of Sendense. */
  readonly version: string;
}

const digestOf = (...words: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 8);

/** How the names of all keepers of a hub begin, whatever its settings say. */
const hubName = ({ settingsFile }: KeeperOf): string => `files-${digestOf(settingsFile)}-`;

/** Changed settings, and another version, have a keeper of their own. The old one ends when nothing is open any more. */
const ownName = (of: KeeperOf): string => `${hubName(of)}${digestOf(of.settings, of.version)}.sock`;

/** Sockets and logs of keepers in a folder, without the endings. */
export const keeperName = /^(files-[0-9a-f]{8}-[0-9a-f]{8})\.(?:sock|log)$/;

/** Where the keeper answers that a command of this user has started. Nothing is made. */
function ownSocket(of: KeeperOf): string {
  const name = ownName(of);
  return join(placeFor(tmpdir(), name), name);
}

/**
 * As {@link ownSocket}, for one that is about to start; its folder is made. Another keeper that ends may remove it as long as it is empty.
 * @throws SendenseError `state.unusable` where nothing can be made that is this user's alone
 */
export function ownSocketToServe(of: KeeperOf): string {
  const name = ownName(of);
  return join(makePlaceFor(tmpdir(), name), name);
}

/** The unit's keeper keeps its name, and its settings, until it is restarted. */
const socketOfUnit = (of: KeeperOf): string => join(unitFolder, `${hubName(of)}${digestOf(of.version)}.sock`);

/** Where a keeper answers if nobody has named a socket. */
export const socketToServe = (of: KeeperOf): string =>
  process.env['RUNTIME_DIRECTORY'] === unitFolder ? socketOfUnit(of) : ownSocketToServe(of);

/** Where the unit's keeper answers this user, where the unit runs as this user. */
const unitSockets = (of: KeeperOf): string[] => (isPrivate(unitFolder) ? [socketOfUnit(of)] : []);

/** The keeper of a hub's files that answers this user: the unit's, else the one that a command has started. */
export async function answeringSocket(of: KeeperOf): Promise<string | null> {
  for (const socket of [...unitSockets(of), ownSocket(of)]) if (await answers(socket)) return socket;
  return null;
}

/** As {@link answeringSocket}, with keepers that were started when the settings were others, or by another version. */
export async function answeringSockets(of: KeeperOf): Promise<string[]> {
  const own = privatePlaces(tmpdir()).flatMap((place) =>
    readdirSync(place)
      .filter((name) => name.startsWith(hubName(of)) && name.endsWith('.sock'))
      .map((name) => join(place, name)),
  );
  const answering: string[] = [];
  for (const socket of [...unitSockets(of), ...own]) if (await answers(socket)) answering.push(socket);
  return answering;
}

/** What it says where it cannot start. */
export const keeperLog = (socket: string): string => `${socket.slice(0, -'.sock'.length)}.log`;

/** Somebody who is there answers within so long, also on a machine that is busy, ms. */
const patienceMs = 20_000;

/**
 * Whether somebody answers at a Unix socket. A connection alone says little: the kernel takes it for a process that is stopped, too.
 * @throws SendenseError `files.reader` where somebody has the socket and says nothing
 */
export const answers = (socket: string, waitMs = patienceMs): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const connection = connect(socket);
    const settle = (act: () => void): void => {
      clearTimeout(late);
      connection.destroy();
      act();
    };
    const late = setTimeout(() => settle(() => reject(silent(waitMs))), waitMs);
    connection
      .once('connect', () => connection.write(question))
      .once('data', () => settle(() => resolve(true)))
      .once('close', () => settle(() => resolve(false)))
      .once('error', () => settle(() => resolve(false)));
  });

const question = `GET /api/v1/restore/mounts HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${keeperToken}\r\nconnection: close\r\n\r\n`;

const silent = (ms: number): SendenseError =>
  new SendenseError('files.reader', `the process that keeps restore points open has not answered for ${ms / 1000} s`, {
    remedy:
      'Look for it with `ps -ef | grep "files keep"`. If it is stopped, `kill -CONT PID` lets it go on. After `kill -9 PID` the next command starts another one.',
  });
