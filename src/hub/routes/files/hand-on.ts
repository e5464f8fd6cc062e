import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { Caller } from '../../../api/caller.ts';
import type { AnswerHead, Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { askKeeper } from '../../../files/client/ask-keeper.ts';
import { curlBytes, leftOutTrailer, linesOfTrailer, trailerOf } from '../../../files/client/wire.ts';
import { hubUser } from '../../../state/files/file-reads.ts';
import { addressHeader, callerHeader, closesAllHeader, identityHeader } from '../../files/keeper-socket.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { mayKnow } from '../list-answer.ts';
import type { filesRoutes } from './index.ts';
import type { About } from './route.ts';

/** Who calls, for the record of what was read: a user of the hub is none of the machine, though their names be the same. */
const readerName = ({ kind, name }: Caller): string => (kind === 'file-token' ? 'hub-api' : hubUser(name));

/** Who removes restore points has to be able to close them. */
const callerHeaders = ({ caller, peer }: Pick<Call<HubParts>, 'caller' | 'peer'>): Record<string, string> => ({
  [callerHeader]: readerName(caller),
  [identityHeader]: caller.identity,
  ...(peer === undefined ? {} : { [addressHeader]: peer }),
  ...(caller.rights.has('keep') ? { [closesAllHeader]: 'yes' } : {}),
});

/** @throws SendenseError as for what there is not, where the caller may not see one of the VMs */
function assertSees(about: About, { parts, caller }: Pick<Call<HubParts>, 'parts' | 'caller'>): void {
  if (caller.allVms) return;
  for (const vm of about.vms ?? [])
    if (!mayKnow(caller, vm)) throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
  for (const id of about.sessions ?? []) {
    const vm = parts.hub.filesVm(id ?? '');
    if (vm === undefined || !mayKnow(caller, vm))
      throw new SendenseError('files.session', `no restore point is open as ${id}`);
  }
}

/** Headers of a connection, and those that the hub's API sets itself. */
const notHandedOn = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'trailer', 'x-request-id']);

/**
 * A route about files on the hub's own API: it checks caller and input, and hands request and answer on as they come. The hub reads no
 * file itself: its unit may make no sandbox.
 */
export const handedOn = ({
  whoOf: _whoOf,
  about,
  sift,
  ...route
}: (typeof filesRoutes)[number]): ReturnType<typeof defineRoute<unknown>> =>
  defineRoute<unknown>({
    ...route,
    tag: 'restore',
    right: 'browse',
    vms: 'heeded',
    errors: [
      ...new Set([...route.errors, 'files.reader', 'files.unavailable', 'point.unknown', 'files.session'] as const),
    ],
    patient: true,
    watched: true,
    async handle(call: Call<HubParts, unknown>): Promise<Readable | object> {
      const { parts, caller, body, isHead, signal, answer } = call;
      assertSees(about(call as never), call);
      const method = isHead ? 'HEAD' : route.method;
      const headers = { ...namedHeaders(route, call), ...callerHeaders(call) };
      const from = await askKeeper(await parts.filesKeeper(), pathOf(route.path, call), {
        method,
        headers,
        signal,
        ...(route.body ? { body } : {}),
      });
      copyHead(from, answer);
      if (!sift || caller.allVms || isHead) return from;
      return sift((await json(from)) as object, (vm) => mayKnow(caller, vm));
    },
  });

/** Those that the route names, as they came. */
function namedHeaders(
  { headers = {} }: Pick<(typeof filesRoutes)[number], 'headers'>,
  { header }: Pick<Call<unknown>, 'header'>,
): Record<string, string> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = header(name);
    if (value !== null) given[name] = value;
  }
  return given;
}

function pathOf(path: string, { params, query }: Pick<Call<unknown>, 'params' | 'query'>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const words = new URLSearchParams(query).toString();
  return words === '' ? filled : `${filled}?${words}`;
}

function copyHead(from: IncomingMessage, answer: AnswerHead): void {
  answer.status(from.statusCode ?? 500);
  for (const [name, value] of Object.entries(from.headers))
    if (typeof value === 'string' && !notHandedOn.has(name)) answer.header(name, value);
  for (const name of (from.headers.trailer ?? '').split(',').map((one) => one.trim().toLowerCase()))
    if (name !== '') answer.trailer(name, () => trailerFor(name, from.trailers[name]));
}

const trailerFor = (name: string, value = ''): string =>
  name === leftOutTrailer ? trailerOf(linesOfTrailer(value), curlBytes) : value;
