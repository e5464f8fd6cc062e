import { SendenseError } from '../../errors/sendense-error.ts';
import { parseDatastorePath } from './datastore-path.ts';
import { patiently } from './patiently.ts';
import { pinnedAgent } from './pinned-agent.ts';
import { folderPath } from './transports/datastore-file.ts';
import type { TransportContext } from './transports/transport.ts';

const { request: httpRequest } = process.getBuiltinModule('node:http');

type Context = Pick<TransportContext, 'spec' | 'cookie'>;

const silenceMs = 60_000;

/**
 * Writes a small file, `[datastore] folder/file`, over HTTPS (`/folder`), into a folder that is there; one of that name is replaced.
 * What it wrote is only certain when it has been read again.
 * @param datacenter inventory path of the datacenter without the first slash
 * @throws SendenseError `vsphere.permission|login|unreachable|tls|protocol`, `source.missing` for the folder
 */
export async function putDatastoreFile(
  context: Context,
  datacenter: string,
  path: string,
  content: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  const file = parseDatastorePath(path);
  // vCenter wants the names encoded twice, others once.
  const spellings = [...new Set([folderPath(file, datacenter, 2), folderPath(file, datacenter, 1)])];
  let status = 0;
  for (const spelling of spellings) {
    status = await patiently(() => putOnce(context, spelling, content, signal), { signal, pauseMs: 200 });
    if (status !== 404) break;
  }
  if (status === 200 || status === 201 || status === 204) return;
  if (status === 404) throw new SendenseError('source.missing', `vSphere has no folder for ${path}`);
  if (status === 401 || status === 403)
    throw new SendenseError('vsphere.permission', `vSphere does not let the user write ${path} (HTTP ${status})`, {
      remedy: 'Give the user Datastore.FileManagement on the datastore; docs/vsphere.md has the role for restores.',
    });
  throw new SendenseError('vsphere.protocol', `vSphere answered ${status} when ${path} was to be written`);
}

/** Once more with a new cookie where the session has ended. */
async function putOnce(context: Context, path: string, content: Buffer, signal?: AbortSignal): Promise<number> {
  const cookie = await context.cookie();
  const status = await put(context.spec, path, cookie, content, signal);
  return status === 401 ? put(context.spec, path, await context.cookie(cookie), content, signal) : status;
}

async function put(
  address: Context['spec'],
  path: string,
  cookie: string,
  content: Buffer,
  signal?: AbortSignal,
): Promise<number> {
  const closing = new AbortController();
  const agent = pinnedAgent(address, false, closing.signal);
  const headers = { cookie, 'content-type': 'application/octet-stream', 'content-length': content.length };
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = httpRequest({ agent, host: address.host, port: address.port, method: 'PUT', path, headers, signal });
  sent.setTimeout(silenceMs, () => sent.destroy(new Error(`the server was silent for ${silenceMs} ms`)));
  sent.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject);
  sent.end(content);
  try {
    return await promise;
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof SendenseError) throw cause;
    const why = (cause as Error).message;
    throw new SendenseError('vsphere.unreachable', `${address.host} broke off while a file was written: ${why}`, {
      cause,
    });
  } finally {
    closing.abort();
    sent.destroy();
  }
}
