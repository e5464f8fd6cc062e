import type { Call, Parameter, Route as ApiRoute } from '../../../api/route.ts';
import type { ErrorCode } from '../../../errors/catalogue.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { longestPath } from '../../../files/protocol.ts';
import { shownName } from '../../../files/shown.ts';
import type { OpenFiles } from '../../files/open-files.ts';
import type { AllFileSessions, FilesCaller, FileSessions } from '../../files/file-sessions.ts';
import { addressHeader, callerHeader, closesAllHeader, identityHeader } from '../../files/keeper-socket.ts';

/** What the routes about files act with. */
export interface FilesParts {
  readonly files: AllFileSessions;
  /** Whose process this is: who calls, unless the request says that it comes from elsewhere. */
  readonly owner: string;
}

type Calling = Pick<Call<FilesParts>, 'parts' | 'header'>;

/** Who calls: for the record of what was read, for limits, and for what it has open. */
export function callerOf({ parts, header }: Calling): FilesCaller {
  const who = header(callerHeader);
  // The process's own user could end the process as well.
  return who === null
    ? { who: parts.owner, identity: '', address: null, mayCloseAll: true }
    : {
        who,
        identity: header(identityHeader) ?? '',
        address: header(addressHeader),
        mayCloseAll: header(closesAllHeader) !== null,
      };
}

/** Who reads, for the record of what was read. */
export function readerOf(call: Calling): Pick<FilesCaller, 'who' | 'address'> {
  const { who, address } = callerOf(call);
  return { who, address };
}

/** What the caller has open. */
export const filesOf = (call: Calling): FileSessions => call.parts.files.of(callerOf(call));

/** The session that the path names. @throws SendenseError `files.session`, where it is another caller's too */
export const sessionOf = (call: Calling & Pick<Call<FilesParts>, 'params'>): OpenFiles =>
  filesOf(call).one(call.params['id'] ?? '');

/** What these routes are about. */
export const filesTag = { restore: 'Files of restore points.' } as const;

/** Whose files a request is about. */
export interface About {
  /** Ids of sessions. */
  readonly sessions?: readonly (string | undefined)[];
  /** Names of VMs. */
  readonly vms?: readonly string[];
}

type Asked<Body> = Pick<Call<FilesParts, Body>, 'params' | 'query' | 'body'>;

export type FilesRoute<Body = unknown> = ApiRoute<FilesParts, Body> & {
  readonly tag: keyof typeof filesTag;
  /** Whose files are meant: the hub refuses who may not see these VMs as it refuses what there is not. */
  about(asked: Asked<Body>): About;
  /** The part of its JSON that who may see some VMs only gets. */
  sift?(answer: object, sees: (vm: string) => boolean): object;
};

/** A route of one session. */
export const aboutSession = ({ params }: { readonly params: Readonly<Record<string, string>> }): About => ({
  sessions: [params['id']],
});

export const defineRoute = <Body = undefined>(route: FilesRoute<Body>): FilesRoute<Body> => route;

/** What a request about a file or folder may answer with. */
export const readErrors = [
  'files.session',
  'files.volume',
  'files.path',
  'files.type',
  'files.locked',
  'files.damaged',
  'files.reader',
  'files.excess',
] as const satisfies readonly ErrorCode[];

/** The same, where it takes long and is limited. */
export const workErrors = [...readErrors, 'files.busy'] as const satisfies readonly ErrorCode[];

export const session = { id: { description: 'Id of the session, from `mount`.', logAs: 'session' } };

/** How a caller finds its transfer among those of the session. */
export const transfer: Readonly<Record<'transfer', Parameter>> = {
  transfer: {
    description: 'A name of your own, by which `transfers` tells how it ended.',
    schema: 'domain.json#/$defs/transferName',
  },
};

/** A path for the audit log, as the command line shows it; what is none, as it came. */
export function shownPath(id: string): string {
  const path = Buffer.from(id, 'base64url');
  return path.toString('base64url') === id ? `/${shownName(path)}` : id;
}

/** Which file or folder is meant. */
export const place: Readonly<Record<'volume' | 'path', Parameter>> = {
  volume: { description: 'Id of the volume, such as `disk-0p2`.', required: true, logAs: 'volume' },
  path: {
    description: 'Bytes of the path in the volume as base64url, from `id` of a listing. Default: the root.',
    factOf: shownPath,
  },
};

/** The path as the reader takes it. @throws SendenseError `request.invalid`; `files.path` where it is too long */
export function pathOf(query: Readonly<Record<string, string>>, name: 'path' | 'after' = 'path'): string {
  const text = query[name] ?? '';
  const path = Buffer.from(text, 'base64url');
  // What is no base64url at all, or has bits that no bytes have.
  if (path.toString('base64url') !== text)
    throw new SendenseError('request.invalid', `${name} is no base64url`, { details: { field: name } });
  if (path.length > longestPath) throw tooLong(path);
  return path.toString('base64');
}

const tooLong = (path: Buffer): SendenseError =>
  new SendenseError(
    'files.path',
    `a path has ${path.length} bytes, and ${longestPath} are the most: …/${lastNames(path)}`,
    {
      remedy: 'Take a folder above it out with `files get`: what is in it has a shorter path there.',
    },
  );

const lastNames = (path: Buffer): string => shownName(path.subarray(path.lastIndexOf('/', -64) + 1).subarray(-256));

/** Of a request that names a path: as long as one can be, in base64url, and what is beside it. Bytes. */
export const headBytes = Math.ceil((longestPath * 4) / 3) + 8 * 1024;
