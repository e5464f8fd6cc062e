import { dirname, join, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { nodeClient, type NodeClient } from '../host/node-api/node-client.ts';
import { readSecret } from '../host/system/secret.ts';
import { findRepository, openRepository, type Repository } from '../repository/open-repository.ts';
import { groupNumber } from '../host/trust/accounts.ts';
import { keepRepositoryId } from '../state/points/repository-ids.ts';
import { hasPoints } from '../state/points/restore-points.ts';
import { leftOutPoints } from '../restore-points/choose/left-out.ts';
import { keyFileOf, oldKeyFileOf } from '../state/credentials/credential-keys.ts';
import { chooseKind } from '../files/reader/kinds/choose-kind.ts';
import { chosenReader } from './files/keeper-socket.ts';
import type { State } from '../state/database/open-state.ts';
import type { Services } from '../steps/services.ts';
import type { Settings } from '../schemas/types.ts';
import { readImageKeys } from './read-image-keys.ts';
import { sourceAccount } from './credentials/source-account.ts';
import { dataPaths } from './nodes/data-path.ts';
import { connectedNode, enrolmentOf, patienceWith } from './nodes/dial-hub.ts';
import { connectToNode } from './nodes/dial-node.ts';
import type { Rescue } from './rescue/rescue.ts';
import { unknownRepository } from './unknown-repository.ts';
import { startEmbeddedNode, type EmbeddedNodeFactory } from './embedded-node.ts';
import { readNamedFile } from '../host/files/named-file.ts';

export interface ServicesOptions {
  readonly version: string;
  readonly settings: Settings;
  readonly settingsFolder: string;
  readonly state: State;
  /** Folder of the state that an embedded node keeps. */
  readonly nodeStateDir: string;
  readonly embeddedNode: EmbeddedNodeFactory;
  readonly runPlan: Services['runPlan'];
  readonly rescue?: Rescue | undefined;
}

/** The services of the built-in steps. Nodes are connected on first use and closed with the stack. */
export function createServices(options: ServicesOptions, stack: AsyncDisposableStack): Services {
  const { settings, settingsFolder, state, rescue } = options;
  const nodes = new Map<string, Promise<NodeClient>>();
  const repositories = new Map<string, Promise<Repository>>();
  const repositoryPath = (name: string): string => {
    const repository = settings.repositories[name];
    if (!repository) throw unknownRepository(state, settings, name);
    return resolve(settingsFolder, repository.path);
  };
  const connect = async (name: string): Promise<NodeClient> => {
    const node = nodeSettings(settings, name);
    if (node.mode === 'direct') {
      const token = await readSecret(node.token, settingsFolder);
      const ca = node.ca === undefined ? undefined : await readAuthorities(resolve(settingsFolder, node.ca), name);
      return nodeClient({ url: node.url, token, ca, name: `${name} (${node.url})` });
    }
    if (node.mode === 'dial-node')
      return stack.use(await connectToNode({ name, settings: node, settingsFolder })).client;
    if (node.mode === 'dial-hub') return connectedNode(state, name, settings.hub.ssh);
    const embedded = await startEmbeddedNode(options.embeddedNode, {
      stateDir: options.nodeStateDir,
      own: [state.path, `${state.path}-wal`, keyFileOf(state.path), oldKeyFileOf(state.path)],
    });
    stack.use(embedded);
    return embedded.client;
  };
  const node = (name: string): Promise<NodeClient> => {
    const { mode } = nodeSettings(settings, name);
    const key = mode === 'embedded' ? mode : mode === 'dial-hub' ? enrolmentOf(state, name) : name;
    return remember(nodes, key, () => connect(name));
  };
  const services: Services = {
    version: options.version,
    settings,
    settingsFolder,
    state,
    repositoryPath,
    // Read anew each time: a process may live long, and a file may be replaced.
    imageKeys: async (name) => rescue?.keys ?? readImageKeys(settings, settingsFolder, name),
    // It was looked at when the rescue began, and may lack its marker.
    findRepository: async (name) =>
      rescue ? { name, path: rescue.root, id: name } : findRepository(name, repositoryPath(name)),
    rescuing: rescue !== undefined,
    leftOut: leftOutPoints(rescue?.refused ?? new Map()),
    openRepository: (name) =>
      remember(repositories, name, async () => {
        const path = repositoryPath(name);
        const group = groupOf(name, settings.repositories[name]?.group);
        const repository = await openRepository(name, path, hasPoints(state, name), group);
        keepRepositoryId(state, name, repository.id);
        return repository;
      }),
    existingRepository: async (name) => {
      const path = repositoryPath(name);
      if (await findRepository(name, path)) return path;
      throw new SendenseError('repository.unusable', `repository ${name} is not at ${path}`, {
        remedy:
          'Mount it, or correct its path in sendense.yaml. `sendense-run recover` then removes what a failed run left there.',
      });
    },
    node,
    ...dataPaths({ settings, settingsFolder, state, node }),
    patienceWith: (name) => (nodeSettings(settings, name).mode === 'dial-hub' ? patienceWith(state, name) : 0),
    isEmbedded: (name) => nodeSettings(settings, name).mode === 'embedded',
    openFiles: async (caller) => (await import('./files/files-for-run.ts')).filesForRun(services, settings, caller),
    checkFiles: () => void chooseKind(chosenReader(settings)),
    runPlan: options.runPlan,
    readSecret,
    sourceAccount: (source, signal) => sourceAccount({ state, settings, settingsFolder }, source, signal),
  };
  return services;
}

async function readAuthorities(file: string, name: string): Promise<string> {
  let text: string;
  try {
    text = (await readNamedFile(file)).toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SendenseError('file.unreadable', `nodes.${name}.ca: ${file} cannot be read (${code})`, { cause });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new SendenseError('settings.invalid', `nodes.${name}.ca: ${file} holds no certificate in PEM form`);
}

/** @throws SendenseError `settings.invalid` */
function groupOf(repository: string, group: string | number | undefined): number | undefined {
  const number = typeof group === 'string' ? groupNumber(group) : group;
  if (group === undefined || number !== undefined) return number;
  throw new SendenseError('settings.invalid', `repositories.${repository}.group: /etc/group has no group ${group}`, {
    remedy: 'Correct the name. If the group is elsewhere, such as in LDAP, write its number (getent group NAME).',
  });
}

/** One attempt at a time; a failed one is forgotten, so that it can be tried again. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known) return known;
  const made = make();
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  return made;
}

/** A node that is not in sendense.yaml and is called `local` is embedded. */
function nodeSettings(settings: Settings, name: string): Settings['nodes'][string] {
  const node = settings.nodes[name];
  if (node) return node;
  if (name === 'local') return { mode: 'embedded' };
  throw new SendenseError(
    'node.unknown',
    `sendense.yaml has no node ${name}; it has ${Object.keys(settings.nodes).join(', ') || 'none'}`,
    { remedy: `Correct the name, add the node to sendense.yaml, or enrol it: \`sendense-run node add ${name}\`.` },
  );
}

export const nodeStateDirOf = (statePath: string): string => join(dirname(statePath), 'node');
