import { SendenseError } from '../../errors/sendense-error.ts';
import { tail } from '../programs/process.ts';
import { fingerprintOf } from './keys.ts';
import { portTaken } from './port-taken.ts';
import { where, type TunnelOptions } from './tunnel-options.ts';

/** `channel 3: open failed: administratively prohibited: open failed`: the far end did not make one connection. */
export function refusalOfOpenSsh(line: string): SendenseError | undefined {
  const found = /^channel [0-9]+: open failed: ([a-z ]+): (.*)$/.exec(line.trim());
  if (!found) return undefined;
  const [, what = '', why = ''] = found;
  if (what === 'administratively prohibited')
    return new SendenseError('ssh.forward', 'the server does not allow this connection through the tunnel');
  return new SendenseError('ssh.unreachable', `at the far end of the tunnel: ${what}: ${why}`);
}

/** What ssh says when it ends (messages of OpenSSH 8.4 to 10, in the C locale), as one of our errors. */
export function explainOpenSsh(
  options: TunnelOptions,
  said: readonly string[],
  exit: string,
  wasUp: boolean,
): SendenseError {
  const text = said.join('\n');
  const at = where(options.server);
  const details = { said: tail(text) };
  const error = (code: 'ssh.unreachable' | 'ssh.host-key' | 'ssh.key' | 'ssh.forward' | 'ssh.lost', message: string) =>
    new SendenseError(code, message, { details });
  if (/Host key verification failed|no matching host key type|host key is known for .* strict checking/.test(text))
    return error('ssh.host-key', otherHostKey(options, text));
  if (/: Permission denied \(|Too many authentication failures|No supported authentication methods/.test(text)) {
    const key = said.find((line) => /^Load key|UNPROTECTED PRIVATE KEY|^Permissions .* too open/.test(line));
    return error('ssh.key', `${at} refused the key of user ${options.server.user}${key ? `: ${key}` : ''}`);
  }
  const remote = /remote port forwarding failed for listen (?:port ([0-9]+)|path (.*))/.exec(text);
  if (remote)
    return new SendenseError(
      'ssh.forward',
      `${at} does not forward ${remote[1] ? `port ${remote[1]}` : (remote[2] ?? '').trim()} to here: another program there holds it, or the server does not allow it`,
      { details: { ...details, ...(remote[1] ? { port: Number(remote[1]) } : {}) } },
    );
  const local = /cannot listen to (?:port|path): (.*)|bind \[.*\]:([0-9]+): (.*)/.exec(text);
  if (local || /Could not request local forwarding/.test(text))
    return portTaken(local?.[2] ?? local?.[1]?.trim() ?? 'unknown', local?.[3]);
  const name = /Could not resolve hostname [^:]*: (.*)/.exec(text);
  if (name) return error('ssh.unreachable', `${at}: the name is not known: ${name[1]}`);
  const connect = /connect to (?:host|address) .* port [0-9]+: (.*)/.exec(text);
  if (connect) return error('ssh.unreachable', `${at}: ${(connect[1] ?? '').trim()}`);
  const last = said.at(-1)?.trim() ?? `ssh ended with ${exit}`;
  if (wasUp) return error('ssh.lost', `${at}: ${last}`);
  if (
    /banner exchange|kex_exchange|dispatch_run_fatal|Connection (closed|reset)|Connection to|Unable to negotiate/i.test(
      text,
    )
  )
    return error('ssh.unreachable', `${at}: ${last}`);
  return error('ssh.lost', `${at} ended the session at once (${exit}): ${last}`);
}

function otherHostKey(options: TunnelOptions, text: string): string {
  const pinned = options.server.hostKeys.map(fingerprintOf).join(' or ');
  const offered = /^(SHA256:[A-Za-z0-9+/]+)\.?\s*$/m.exec(text)?.[1];
  const offer = /Their offer: (.*)/.exec(text)?.[1];
  const has = offered
    ? `has the host key ${offered}`
    : offer
      ? `has host keys of ${offer} only`
      : 'has another host key';
  return `${where(options.server)} ${has}; pinned is ${pinned}`;
}
