import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dataConnections } from '../../../src/host/net/loopback-addresses.ts';
import { bytesIn } from '../../../src/host/ssh/count-bytes.ts';
import { judgeFirstBytes, prefaceOf } from '../../../src/host/ssh/data-preface.ts';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { findSshd } from '../../../src/host/ssh/sshd-process.ts';
import { openTickets } from '../../../src/hub/ssh-server/data-tickets.ts';
import { authorizedKeyOf, sshdConfigOf } from '../../../src/hub/ssh-server/sshd-files.ts';
import { validatorOf } from '../../../src/schemas/validator.ts';
import { nodeAddress } from '../../../src/state/nodes/node-address.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

test('a ticket is good once, for its link and slot, until the next one, and for a short time', () => {
  let now = 0;
  const tickets = openTickets(() => now);
  const [first, second, other] = [tickets.issue('a', 0), tickets.issue('a', 1), tickets.issue('b', 0)];
  expect(new Set([first, second, other]).size).toBe(3);
  expect(tickets.take(second)).toEqual({ link: 'a', slot: 1 });
  expect(tickets.take(first)).toEqual({ link: 'a', slot: 0 });
  expect(tickets.take(first)).toEqual({ refused: 'unknown' });
  const before = tickets.issue('b', 0);
  expect(tickets.take(other)).toEqual({ refused: 'unknown' });
  expect(tickets.take('')).toEqual({ refused: 'unknown' });
  now = 20_000;
  expect(tickets.take(before)).toEqual({ refused: 'expired' });
  expect(tickets.take(before)).toEqual({ refused: 'unknown' });
  const last = [tickets.issue('a', 0), tickets.issue('a', 3)];
  tickets.forget('a');
  for (const ticket of last) expect(tickets.take(ticket)).toEqual({ refused: 'of a link that has ended' });
  for (const ticket of last) expect(tickets.take(ticket)).toEqual({ refused: 'unknown' });
});

test('the hub knows as many slots as a node may use', () => {
  const isRequest = validatorOf('link/request.json');
  expect(isRequest({ data: 'ticket' })).toBe(true);
  for (let slot = 0; slot < dataConnections; slot++) expect(isRequest({ data: 'ticket', slot })).toBe(true);
  for (const slot of [dataConnections, -1, 0.5, '0']) expect(isRequest({ data: 'ticket', slot })).toBe(false);
});

test.each([
  ['', 'more'],
  ['S', 'more'],
  ['SS', 'ssh'],
  ['SSH-2.0-OpenSSH_9.2\r\n', 'ssh'],
  ['GET / HTTP/1.1\r\n', 'ssh'],
  ['SENDENSE-DATA', 'more'],
  ['SENDENSE-DATE', 'ssh'],
  ['SENDENSE-DATA ', 'more'],
  ['SENDENSE-DATA \n', 'malformed'],
  ['SENDENSE-DATA abc_-9', 'more'],
  ['SENDENSE-DATA abc\r\n', 'malformed'],
  ['SENDENSE-DATA abc\nSSH-2.0', 'malformed'],
  [`SENDENSE-DATA ${'x'.repeat(101)}`, 'malformed'],
  [prefaceOf('abc'), 'preface'],
])('a connection that begins with %j is %s', (text, kind) => {
  expect(judgeFirstBytes(Buffer.from(text))).toMatchObject(kind === 'preface' ? { kind, ticket: 'abc' } : { kind });
});

describe('the counters of a connection', () => {
  const facts = (acked: number, received: number): string =>
    `\t cubic wscale:7,7 rto:204 bytes_sent:99 bytes_retrans:9 bytes_acked:${acked} bytes_received:${received} segs_out:3`;
  test.each([
    ['192.0.2.1:443', '192.0.2.7:40000', '192.0.2.7'],
    ['[::ffff:192.0.2.1]:443', '[::ffff:192.0.2.7]:40000', '::ffff:192.0.2.7'],
    ['[2001:db8::1]:443', '[2001:db8::7]:40000', '2001:DB8:0:0:0:0:0:7'],
    ['[fe80::1]%eth0:443', '[fe80::7%eth0]:40000', 'fe80::7%eth0'],
  ])('are found among others with the same ports: %s', (local, peer, address) => {
    const lines = [
      `TIME-WAIT 0 0 ${local} 192.0.2.6:40000`,
      `ESTAB 0 0 ${local} 192.0.2.70:40000`,
      facts(1, 2),
      `CLOSE-WAIT 1 0 ${local} ${peer}`,
      facts(30, 40_000_000_000),
    ];
    expect(bytesIn(lines, address)).toEqual({ sent: 30, received: 40_000_000_000 });
    expect(bytesIn(lines.slice(0, 3), address)).toBeNull();
    expect(bytesIn(lines.slice(0, 4), address)).toBeNull();
  });

  test('that stand at 0 are not printed', () => {
    expect(bytesIn(['ESTAB 0 0 192.0.2.1:443 192.0.2.7:40000', '\t cubic rto:1000'], '192.0.2.7')).toEqual({
      sent: 0,
      received: 0,
    });
  });
});

test('each reverse port has a loopback address of its own, never the usual one', () => {
  const all = Array.from({ length: 65_535 }, (_, index) => nodeAddress(index + 1));
  expect(new Set(all).size).toBe(all.length);
  expect(all.every((address) => /^127\.83\.\d{1,3}\.\d{1,3}$/.test(address))).toBe(true);
  expect(nodeAddress(9081)).toBe('127.83.35.121');
});

test.skipIf(findSshd() === null || process.getuid?.() !== 0)(
  'sshd takes the configuration as it is meant',
  async () => {
    await using folder = await temporaryFolder();
    const hostKeyFile = folder.file('host key %h');
    writeFileSync(hostKeyFile, makeKeyPair('').privateKey, { mode: 0o600 });
    const targets = Array.from({ length: 101 }, (_, index) => `127.83.35.121:${10_100 + index}`);
    const login = {
      user: 'root',
      isRoot: true,
      hostKeyFile,
      authorizedKeysFile: folder.file('keys %h'),
      publicKey: makeKeyPair('').publicKey,
      targets,
    };
    const config = folder.file('config');
    writeFileSync(config, sshdConfigOf(login));
    const { stdout } = await execa(findSshd() ?? '', ['-T', '-f', config]);
    for (const line of [
      `permitopen ${targets.join(' ')}`,
      'permitlisten none',
      'allowtcpforwarding local',
      'allowstreamlocalforwarding no',
      'maxsessions 0',
      'usepam no',
      'passwordauthentication no',
      'kbdinteractiveauthentication no',
      'authenticationmethods publickey',
      'allowusers root',
      'clientaliveinterval 5',
      'clientalivecountmax 3',
      `hostkey ${hostKeyFile}`,
    ])
      expect(stdout.split('\n')).toContain(line);
    expect(authorizedKeyOf(login)).toMatch(
      /^restrict,port-forwarding,permitopen="127\.83\.35\.121:10100",.* ssh-ed25519 /,
    );
  },
);
