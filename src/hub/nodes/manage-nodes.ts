import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fingerprintOf } from '../../host/ssh/keys.ts';
import { isName } from '../../plan/names.ts';
import type { NodeAddedOutput, NodesOutput, Settings, SshdConfigOutput } from '../../schemas/types.ts';
import {
  addNode,
  listNodes,
  removeNode,
  renameNode,
  renewNodeToken,
  requireNode,
  revokeNode,
} from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import { updateAuthorizedKeys, type AuthorizedKeysPlaces } from './authorized-keys.ts';
import { cutOpensshSessions } from './cut-openssh.ts';
import { describeNodes } from './describe-nodes.ts';
import { builtInNode } from './dial-hub.ts';
import { makeEnrolmentToken } from './enrolment-token.ts';
import { acceptOverStdio, linkOverStdio } from './forced-command.ts';
import { hostKeyToPin } from './host-key.ts';
import { hubPlaces } from './hub-places.ts';
import { describeSshdConfig, sshdPort } from './sshd-config.ts';

/** What a forced command of sshd has. */
export interface Stdio {
  /** Fingerprint of the key that has logged in. */
  readonly key: string;
  readonly input: Readable;
  readonly output: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The nodes that were added on this hub, for the program and for whoever embeds it. */
export interface Nodes {
  list(): NodesOutput;
  /** @throws SendenseError `node.unknown` */
  show(name: string): NodesOutput;
  /**
   * A node, or (`again`) a new token for one that is there.
   * @param request.expiresMs how long the token is good
   * @throws SendenseError `usage`, `node.exists`, `node.unknown`, `node.ports`, `hub.host-key`
   */
  add(request: {
    readonly name: string;
    readonly expiresMs: number;
    readonly again: boolean;
  }): Promise<NodeAddedOutput>;
  /** @throws SendenseError `usage`, `node.unknown`, `node.exists` */
  rename(name: string, to: string): NodesOutput;
  /** Its key and token are refused from now on, and its connection is cut. @throws SendenseError `node.unknown` */
  revoke(name: string): Promise<NodesOutput>;
  /** Forgets it, and cuts its connection. @throws SendenseError `node.unknown` */
  remove(name: string): Promise<NodesOutput>;
  /** What sshd needs; `check` compares with what it has, `write` brings the authorized_keys file up to date. */
  sshdConfig(request: {
    readonly check: boolean;
    readonly write: boolean;
    readonly configFile?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<SshdConfigOutput>;
  /** The forced command of a token's key, for sshd. Answers the exit status. */
  accept(name: string, stdio: Stdio): Promise<0 | 1>;
  /** The forced command of a node's key, for sshd. Answers the exit status. */
  link(name: string, stdio: Stdio): Promise<0 | 1>;
}

export function manageNodes(hub: {
  readonly state: State;
  /** As written, without the enrolled nodes. */
  readonly settings: Settings;
  readonly settingsFolder: string;
  /** Absolute. */
  readonly settingsFile: string;
}): Nodes {
  const { state, settings, settingsFolder, settingsFile } = hub;
  const openssh = (): AuthorizedKeysPlaces => ({ places: hubPlaces(settings, settingsFolder), settingsFile });
  /** Database and authorized_keys together, or neither. */
  const bothOrNeither = <T>(work: () => T): T =>
    state.transaction(() => {
      const result = work();
      updateAuthorizedKeys(state, openssh());
      return result;
    });
  const cut = async (nodeId: string): Promise<void> => {
    // The key is refused already, whatever happens here.
    updateAuthorizedKeys(state, openssh());
    const { places } = openssh();
    if (places.ssh === 'openssh') await cutOpensshSessions(state, places.user, nodeId);
  };
  return {
    list: () => describeNodes(state, listNodes(state)),
    show: (name) => describeNodes(state, [requireNode(state, name)]),
    add: async ({ name, expiresMs, again }) => {
      requireNodeName(name, settings);
      if (again) requireNode(state, name);
      const { places } = openssh();
      const hostKey = await hostKeyToPin(places);
      const expires = Date.now() + expiresMs;
      const { token, publicKey } = makeEnrolmentToken({ name, hostKey, user: places.user, expires });
      const node = bothOrNeither(() =>
        again
          ? renewNodeToken(state, name, publicKey, expires)
          : addNode(state, { name, oneTimeKey: publicKey, expires, ports: places.nodePorts }),
      );
      return {
        version: 1,
        name,
        token,
        expires,
        reverse_port: node.reversePort,
        host_key: fingerprintOf(hostKey),
        ssh_port: places.ssh === 'builtin' ? places.listen.port : await sshdPort(places.user),
      };
    },
    rename: (name, to) => {
      requireNodeName(to, settings);
      return describeNodes(state, [bothOrNeither(() => renameNode(state, name, to))]);
    },
    revoke: async (name) => {
      const node = revokeNode(state, name);
      await cut(node.id);
      return describeNodes(state, [requireNode(state, name)]);
    },
    remove: async (name) => {
      const removed = describeNodes(state, [requireNode(state, name)]);
      await cut(removeNode(state, name).id);
      return removed;
    },
    sshdConfig: async ({ check, write, configFile, signal }) => {
      if (write) updateAuthorizedKeys(state, openssh());
      return describeSshdConfig(state, openssh(), check ? { configFile, signal } : null);
    },
    accept: (name, stdio) => acceptOverStdio({ state, name, ...openssh(), ...stdio }),
    link: (name, stdio) => linkOverStdio({ state, name, ...openssh(), ...stdio }),
  };
}

function requireNodeName(name: string, settings: Settings): void {
  if (!isName(name))
    throw new SendenseError('usage', `${JSON.stringify(name)} is no name of a node`, {
      remedy: 'Use up to 63 letters, digits, dots, dashes and underscores, a letter or digit first.',
    });
  if (name === builtInNode)
    throw new SendenseError('node.exists', `${name} is the node inside of every hub`, {
      remedy: 'Choose another name.',
    });
  const mode = settings.nodes[name]?.mode;
  if (mode !== undefined && mode !== 'dial-hub')
    throw new SendenseError('node.exists', `sendense.yaml has a node ${name} of mode ${mode}`, {
      remedy: 'Choose another name, or change its mode to dial-hub there.',
    });
}
