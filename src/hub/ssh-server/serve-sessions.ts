import type { Connection, ServerChannel, Session } from 'ssh2';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { version as ours } from '../../schemas/package.ts';
import { versionMisfit } from '../../schemas/version-fit.ts';
import type { LinkHello, LinkWelcome } from '../../schemas/types.ts';
import { describeNode } from '../../state/nodes/node-connections.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import { enrollSession } from '../nodes/enroll-session.ts';
import { linkSession, type LinkSession } from '../nodes/link-session.ts';
import { welcomeOf } from '../nodes/welcome.ts';
import type { Refusal, ServerContext } from './server-context.ts';

export interface SessionRules {
  readonly connection: Connection;
  readonly nodeId: string;
  readonly node: () => NodeRecord;
  readonly role: 'own' | 'one-time';
  readonly log: HubLog;
  /** What a node says of its data connections. */
  readonly data?: LinkSession['data'];
  readonly refuse: (reason: Refusal, what: string, reject: (() => void) | undefined) => void;
  /** Looks who says hello. @throws SendenseError where it is not let in */
  readonly judge?: (hello: LinkHello) => void;
}

/** Open sessions of one connection at a time; a node holds one. */
const mostSessions = 4;
/** Seconds by which clocks may differ before it is worth a warning. */
const skewSeconds = 60;

/** Sessions of a connection: one command each, `sendense-link` or `sendense-enroll`, whichever the key is for. */
export function serveSessions(context: ServerContext, rules: SessionRules): void {
  const { connection, role, refuse } = rules;
  const command = role === 'own' ? 'sendense-link' : 'sendense-enroll';
  let open = 0;
  connection.on('session', (accept, reject) => {
    if (!context.allowance.sessions(rules.nodeId).allowed) return refuse('overload', 'too many sessions', reject);
    if (open >= mostSessions) return refuse('session', `more than ${mostSessions} sessions`, reject);
    open++;
    const session = accept();
    session.on('close', () => open--);
    refuseAllBut(session, refuse);
    session.on('exec', (acceptExec, rejectExec, info) => {
      if (info.command !== command) return refuse('command', `the command ${shortened(info.command)}`, rejectExec);
      const channel: ServerChannel | undefined = acceptExec();
      // A second command in one session.
      if (!channel) return refuse('session', 'a second command', rejectExec);
      channel.on('error', () => {});
      void converse(context, rules, channel);
    });
  });
}

/** No shell, no terminal, no file transfer, no agent, no X11; environment variables are ignored. */
function refuseAllBut(session: Session, refuse: SessionRules['refuse']): void {
  session.on('pty', (_accept, reject) => refuse('session', 'a terminal', reject));
  session.on('x11', (_accept, reject) => refuse('session', 'X11', reject));
  session.on('auth-agent', (_accept, reject) => refuse('session', 'an agent', reject));
  session.on('shell', (_accept, reject) => refuse('session', 'a shell', reject));
  session.on('sftp', (_accept, reject) => refuse('session', 'sftp', reject));
  session.on('subsystem', (_accept, reject, { name }) => refuse('session', `subsystem ${shortened(name)}`, reject));
}

async function converse(context: ServerContext, rules: SessionRules, channel: ServerChannel): Promise<void> {
  const status = await answer(context, rules, channel);
  if (channel.destroyed) return;
  channel.exit(status);
  channel.end();
}

async function answer(context: ServerContext, rules: SessionRules, channel: ServerChannel): Promise<0 | 1> {
  const { log, role } = rules;
  try {
    if (role === 'one-time') return await enrol(context, rules, channel);
    await linkSession({
      input: channel,
      output: channel,
      welcome: (hello) => welcome(context, rules, hello),
      allowed: () => context.allowance.lines(rules.nodeId).allowed,
      ...(rules.data ? { data: rules.data } : {}),
    });
    return 0;
  } catch (error) {
    const { code, message } = toSendenseError(error);
    context.warn(log, rules.nodeId, { code }, `the session ends: ${message}`);
    return 1;
  }
}

async function enrol(context: ServerContext, { log, node }: SessionRules, channel: ServerChannel): Promise<0 | 1> {
  const { state, places, figures } = context;
  const oneTimeKey = node().oneTimeKey ?? '';
  const result = await enrollSession({
    state,
    places,
    data: dataOf(context),
    oneTimeKey,
    input: channel,
    output: channel,
  });
  if (!(result instanceof SendenseError)) {
    log.info({ hostname: result.hostname, version: result.version }, 'enrolled');
    return 0;
  }
  if (result.code === 'enroll.token') figures.refused('token');
  log.warn({ code: result.code, reason: 'token' }, `enrolment refused: ${result.message}`);
  return 1;
}

const dataOf = ({ data }: ServerContext): LinkWelcome['data'] => (data.user === null ? 'tunnel' : 'connection');

function welcome(context: ServerContext, { node, log, judge }: SessionRules, hello: LinkHello): LinkWelcome {
  judge?.(hello);
  const { state, places } = context;
  const { hostname, node_version: version, boot_id: bootId, time } = hello;
  const known = node();
  if (known.hostname !== hostname || known.version !== version) describeNode(state, known.id, { hostname, version });
  const skew = Math.round((time - Date.now()) / 1000);
  const facts = { hostname, version, boot_id: bootId, clock_skew_seconds: skew };
  if (Math.abs(skew) > skewSeconds) log.warn(facts, `the clock of the node differs by ${skew} s`);
  else log.info(facts, 'the node says hello');
  const misfit = versionMisfit({ hub: ours, node: version });
  if (misfit !== null) log.warn(facts, `${misfit} (docs/operations.md)`);
  return welcomeOf(node(), places, dataOf(context));
}

const shortened = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
