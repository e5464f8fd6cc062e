import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../../src/host/ssh/backoff.ts';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { lineSplitter } from '../../../src/host/ssh/line-splitter.ts';
import { openSshArgs } from '../../../src/host/ssh/open-ssh.ts';
import { explainOpenSsh, refusalOfOpenSsh } from '../../../src/host/ssh/open-ssh-errors.ts';
import type { TunnelOptions } from '../../../src/host/ssh/tunnel.ts';

const options: TunnelOptions = {
  server: { host: 'hub.example.com', port: 443, user: 'sendense', hostKeys: [makeKeyPair('x').publicKey] },
  keyFile: '/var/lib/sendense/50% of "keys"/id',
  folder: '/run/x',
  local: [{ listen: { socket: '/run/a:b%c' }, connect: { host: '::1', port: 8081 } }],
  remote: [{ listen: { host: '127.0.0.1', port: 9081 }, connect: { host: '127.0.0.1', port: 8081 } }],
};

describe('the pause before the next attempt', () => {
  test('doubles from half a second to half a minute, and is up to half shorter by chance', () => {
    const longest = Array.from({ length: 9 }, (_, index) => backoffMs(index + 1, () => 0));
    expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
    expect(backoffMs(1, () => 1)).toBe(250);
    expect(backoffMs(1000, () => 1)).toBe(5000);
  });
});

describe('lines of a stream', () => {
  test('come whole, whatever the pieces, and an endless one does not fill the memory', () => {
    const lines: string[] = [];
    const take = lineSplitter((line) => lines.push(line));
    for (const byte of Buffer.from('eins\r\n\nzwölf\nrest')) take(Buffer.from([byte]));
    expect(lines).toEqual(['eins', 'zwölf']);
    for (let index = 0; index < 100; index++) take(Buffer.alloc(64 * 1024, 'x'));
    take(Buffer.from('\nnext\n'));
    expect(lines).toHaveLength(4);
    expect(lines[2]?.length).toBeLessThanOrEqual(256 * 1024 + 1);
    expect(lines[3]).toBe('next');
  });
});

describe('the command line of ssh', () => {
  const args = openSshArgs(options, '/run/known "hosts" 100%');

  test('takes nothing of the user’s configuration, and no host key but the pinned one', () => {
    expect(args.slice(0, 2)).toEqual(['-F', 'none']);
    for (const wanted of [
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      'StrictHostKeyChecking=yes',
      'GlobalKnownHostsFile=/dev/null',
      'HostKeyAlgorithms=ssh-ed25519',
      'ExitOnForwardFailure=yes',
      'ServerAliveInterval=5',
      'ServerAliveCountMax=3',
      'ControlPath=none',
    ])
      expect(args).toContain(wanted);
  });

  test('keeps characters that mean something to ssh as they are', () => {
    expect(args).toContain('UserKnownHostsFile="/run/known \\"hosts\\" 100%%"');
    expect(args).toContain('/var/lib/sendense/50%% of "keys"/id');
    expect(args).toContain('/run/a\\:b%%c:[::1]:8081');
    expect(args).toContain('127.0.0.1:9081:127.0.0.1:8081');
    expect(args.slice(args.indexOf('--'))).toEqual(['--', 'hub.example.com', 'sendense-link']);
  });
});

describe('what ssh says', () => {
  const explain = (said: string, wasUp = false): { code: string; message: string } =>
    explainOpenSsh(options, said.split('\n'), '255', wasUp);

  test.each([
    ['ssh: Could not resolve hostname hub.example.com: Name or service not known', 'ssh.unreachable'],
    ['ssh: connect to host hub.example.com port 443: Connection timed out', 'ssh.unreachable'],
    ['ssh: connect to host hub.example.com port 443: No route to host', 'ssh.unreachable'],
    ['Connection timed out during banner exchange\nConnection to 192.0.2.1 port 443 timed out', 'ssh.unreachable'],
    ['kex_exchange_identification: read: Connection reset by peer', 'ssh.unreachable'],
    [
      'ssh_dispatch_run_fatal: Connection to 192.0.2.1 port 443: message authentication code incorrect',
      'ssh.unreachable',
    ],
    ['Unable to negotiate with 192.0.2.1 port 443: no matching cipher found. Their offer: 3des-cbc', 'ssh.unreachable'],
    [
      'Unable to negotiate with 192.0.2.1 port 443: no matching host key type found. Their offer: ssh-dss',
      'ssh.host-key',
    ],
    [
      'No ED25519 host key is known for sendense-peer and you have requested strict checking.\nHost key verification failed.',
      'ssh.host-key',
    ],
    ['sendense@hub.example.com: Permission denied (publickey).', 'ssh.key'],
    ['Received disconnect from 192.0.2.1 port 443:2: Too many authentication failures', 'ssh.key'],
    ['Error: remote port forwarding failed for listen port 9081', 'ssh.forward'],
    [
      'bind [127.0.0.1]:10100: Address already in use\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 10100\nCould not request local forwarding.',
      'ssh.forward',
    ],
    [
      'unix_listener: cannot bind to path /run/a: No such file or directory\nCould not request local forwarding.',
      'ssh.forward',
    ],
    ['bash: line 1: sendense-link: command not found', 'ssh.lost'],
    ['', 'ssh.lost'],
  ])('%s', (said, code) => {
    expect(explain(said)).toMatchObject({
      code,
      message: expect.stringMatching(/hub\.example\.com:443|of this host/) as string,
    });
  });

  test('of a connection that was up: lost, whatever the words', () => {
    for (const said of [
      'Timeout, server hub.example.com not responding.',
      'client_loop: send disconnect: Broken pipe',
      'Connection to 192.0.2.1 closed by remote host.',
    ])
      expect(explain(said, true)).toMatchObject({ code: 'ssh.lost', message: `hub.example.com:443: ${said}` });
  });

  test('of one connection through the tunnel that was not made', () => {
    expect(refusalOfOpenSsh('channel 2: open failed: administratively prohibited: open failed')?.code).toBe(
      'ssh.forward',
    );
    expect(refusalOfOpenSsh('channel 12: open failed: connect failed: Connection refused')?.code).toBe(
      'ssh.unreachable',
    );
    expect(refusalOfOpenSsh('Warning: something else')).toBeUndefined();
  });
});
