import { closeSync, constants, openSync, readFileSync, statSync, fstatSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { replaceFile } from '../../host/files/replace-file.ts';
import { fingerprintOf } from '../../host/ssh/keys.ts';
import { startFile } from '../../schemas/package.ts';
import { nodeAddress } from '../../state/nodes/node-address.ts';
import { listNodes, type NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubPlaces } from './hub-places.ts';

export interface AuthorizedKeysPlaces {
  readonly places: HubPlaces;
  /** sendense.yaml, absolute: the forced commands name it. */
  readonly settingsFile: string;
}

/** How our lines end: nothing else in the file is touched. */
const ours = / sendense-(?:node|token):[A-Za-z0-9._-]+$/;
const heading = '# Lines that end in sendense-node:NAME or sendense-token:NAME are kept by `sendense-run node`.';

/** Where the disks for a node are served, ADDRESS:PORT. @param reversePort that of the node */
export const nbdTargets = (reversePort: number, { nbdPorts: { from, to } }: Pick<HubPlaces, 'nbdPorts'>): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${nodeAddress(reversePort)}:${from + index}`);

/** Options of a key that may connect to these, ADDRESS:PORT. */
export const mayOpen = (targets: readonly string[]): string[] => [
  'port-forwarding',
  ...targets.map((target) => `permitopen="${target}"`),
];

/** A line for each node that may come, with exactly the forwards that it needs, and for each enrolment token. */
export function authorizedKeysLines(
  nodes: readonly NodeRecord[],
  { places, settingsFile }: AuthorizedKeysPlaces,
): string[] {
  const { api } = places;
  const command = (verb: 'link' | 'accept', name: string, key: string): string => {
    const program = [process.execPath, startFile('cli/sendense-run'), '--config', settingsFile];
    const words = [...program, 'node', verb, name, '--key', fingerprintOf(key)];
    return `command="${words.map(quoted).join(' ').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  };
  return nodes.flatMap(({ name, publicKey, oneTimeKey, reversePort, revoked }) => {
    const opens = [...nbdTargets(reversePort, places), `127.0.0.1:${api.port}`];
    const forwards = [...mayOpen(opens), `permitlisten="127.0.0.1:${reversePort}"`];
    return [
      ...(publicKey !== null && revoked === null
        ? [
            `${['restrict', ...forwards, command('link', name, publicKey)].join(',')} ${publicKey} sendense-node:${name}`,
          ]
        : []),
      ...(oneTimeKey !== null
        ? [`${['restrict', command('accept', name, oneTimeKey)].join(',')} ${oneTimeKey} sendense-token:${name}`]
        : []),
    ];
  });
}

/**
 * The lines of the file, ours and those of somebody else.
 * @throws SendenseError `file.unreadable`, also for a link: what is written takes its place, and its target stays as it is
 */
export function readAuthorizedKeys(path: string): { readonly ours: string[]; readonly foreign: string[] } {
  const lines = textOf(path).split('\n');
  const written = lines.filter((line) => line.trim() !== '' && line !== heading);
  return { ours: written.filter((line) => ours.test(line)), foreign: written.filter((line) => !ours.test(line)) };
}

/**
 * Brings the file to what the database says, with mode 0600 and for the owner of the database; lines of others stay. In one
 * transaction, so that whoever was first does not bring back a key that another process has just revoked.
 */
export function updateAuthorizedKeys(state: State, options: AuthorizedKeysPlaces): void {
  if (options.places.ssh !== 'openssh') return;
  const { authorizedKeysFile: path } = options.places;
  state.transaction(() => {
    const { foreign } = readAuthorizedKeys(path);
    const text = [heading, ...foreign, ...authorizedKeysLines(listNodes(state), options), ''].join('\n');
    const { uid, gid } = statSync(state.path);
    replaceFile(path, text, { mode: 0o600, ...(process.geteuid?.() === 0 ? { owner: { uid, gid } } : {}) });
  });
}

/** Bytes of a file with keys: more than any has. */
const mostBytes = 16 * 1024 * 1024;

/** Empty where there is no file. */
function textOf(path: string): string {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = fstatSync(descriptor);
      if (!info.isFile() || info.size > mostBytes)
        throw Object.assign(new Error('no file of keys'), { code: 'EINVAL' });
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    const why = code === 'ELOOP' ? 'is a link: name the file itself' : `cannot be read (${code})`;
    throw new SendenseError('file.unreadable', `hub.authorizedKeys: ${path} ${why}`, { cause });
  }
}

/** For the shell that sshd starts. */
const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
