/** What somebody may try at the hub's end who sits on a node or behind the same NAT: refused, and in the log; the others go on. */
import { execa } from 'execa';
import { copyFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { addressOfNode } from '../../../src/state/nodes/node-address.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { attackerOn, keyOf } from './attacker.ts';
import { all } from '../../support/rounds.ts';
import { enrolmentToken, openSite, patience, type Mode, type Site, type SiteNode } from './site.ts';
import { whenMoved } from './settle.ts';
import { expectSuccess, makeVm } from './vm.ts';

/** What the hub's end has logged: the built-in server in the hub's log, OpenSSH in its own. */
const logOf = (site: Site): string => site.hub.log() + (site.sshd?.log() ?? '');

function addressOf(site: Site, { name }: SiteNode): string {
  using state = openState(site.work.path('state/sendense.db'), { readOnly: true });
  return addressOfNode(state, name) ?? '';
}

async function expectLogged(site: Site, builtIn: RegExp, openssh: RegExp | null): Promise<void> {
  const wanted = site.mode === 'built-in' ? builtIn : openssh;
  if (wanted) await vi.waitFor(() => expect(logOf(site)).toMatch(wanted), patience);
}

describe.each<Mode>(all ? ['built-in', 'openssh'] : ['built-in'])('%s', (mode) => {
  test(
    'attacks on the hub are refused and logged, and the backup meanwhile is not disturbed',
    { timeout: 300_000 },
    async () => {
      await using site = await openSite(mode, { nodes: 2 });
      const [victim, thief] = site.nodes as unknown as [(typeof site.nodes)[0], (typeof site.nodes)[0]];
      const attacker = attackerOn(site, thief);
      const thiefKey = site.work.path('stolen');
      await copyFile(await keyOf(thief), thiefKey);
      await chmod(thiefKey, 0o600);
      const { ssh, talk } = attacker;
      const hub = site.net.hub.address;
      const vm = await makeVm(site, { mib: 12, more: 'limits: { jobRate: 1MiB }\n' });
      const moving = Promise.withResolvers<void>();
      const running = vm.watch(whenMoved(0.01, moving.resolve));
      await moving.promise;

      // An NBD port that is open to a run of the other node: not reached, at whichever address.
      const nbdInfo = async (): Promise<string> => {
        const list = ['nbdinfo', '--list', 'nbd://127.0.0.1:10100'];
        const { all: said } = await execa('nsenter', [...thief.host.prefix.slice(1), ...list], {
          all: true,
          reject: false,
        });
        return said;
      };
      expect(await attackerOn(site, victim).talk('127.0.0.1', 10_100, 'x'.repeat(64))).toContain('NBDMAGIC');
      expect(await talk('127.0.0.1', 10_100, 'x'.repeat(64))).not.toContain('NBDMAGIC');
      expect((await site.work.call(['node', 'show', victim.name, '--json'])).stdout).toContain('"data":"sshd"');
      const disks = addressOf(site, victim);
      // Other users of the node and of the hub get to the port, and no further: they have no key.
      for (const [host, at] of [
        [victim.host, '127.0.0.1'],
        [site.net.hub, disks],
      ] as const) {
        const [file = '', ...args] = [...host.prefix, 'nbdinfo', '--list', `nbd://${at}:10100`];
        const seen = await execa(file, args, { all: true, reject: false });
        expect(seen.exitCode).not.toBe(0);
        expect(seen.all).not.toContain('export-size');
      }
      for (const target of ['127.0.0.1:10100', `${disks}:10100`])
        expect((await ssh(thiefKey, ['-W', target, ''])).stdout).not.toContain('NBDMAGIC');
      await expectLogged(
        site,
        /"reason":"target".*a connection to 127\.83\.\d+\.\d+:10100/,
        /to connect to host 127\.83\.\d+\.\d+ port 10100, but the request was denied/,
      );
      expect(await nbdInfo()).not.toContain('export-size');

      // Its own link would cut every connection with the same key.
      await thief.service.stop();

      // Keys.
      expect(await ssh(await attacker.rogueKey(), ['sendense-link'])).toMatchObject({
        exitCode: 255,
        stderr: expect.stringContaining('Permission denied') as string,
      });
      await expectLogged(
        site,
        /"reason":"unknown-key".*login refused/,
        /Failed publickey|Connection closed by authenticating user root/,
      );

      // Anything but the one command.
      for (const command of ['id', 'sendense-enroll', 'sendense-link; id']) {
        const answer = await ssh(thiefKey, [command]);
        expect(answer.exitCode, JSON.stringify(answer)).not.toBe(0);
        expect(answer.stdout).not.toContain('uid=');
      }
      expect((await ssh(thiefKey, ['-tt', ''])).stdout).not.toMatch(/[#$] $/);
      expect((await ssh(thiefKey, ['-s', 'sftp'])).exitCode).not.toBe(0);
      await expectLogged(site, /"reason":"command"/, null);

      // Other targets: the hub's own services, its other addresses, other machines, the API of the other node.
      for (const target of [
        '127.0.0.1:443',
        '127.0.0.1:22',
        `${hub}:443`,
        '192.0.2.254:22',
        '127.0.0.1:10099',
        '127.0.0.1:9081',
        '[::1]:10100',
      ]) {
        const answer = await ssh(thiefKey, ['-W', target, '']);
        expect(answer, target).toMatchObject({
          exitCode: expect.not.toSatisfy((code) => code === 0) as number,
          stderr: expect.stringMatching(/prohibited|refused|failed/) as string,
        });
      }
      await expectLogged(
        site,
        /refused: a connection to 127\.0\.0\.1:22"/,
        /to connect to host 127\.0\.0\.1 port 22, but the request was denied/,
      );

      // Other ports for the hub's way back.
      for (const bind of [
        '127.0.0.1:9081',
        '127.0.0.1:9100',
        '0.0.0.0:9082',
        `${hub}:9082`,
        '127.0.0.1:0',
        '127.0.0.1:8082',
      ])
        expect(await ssh(thiefKey, ['-N', '-R', `${bind}:127.0.0.1:22`, '']), bind).toMatchObject({ exitCode: 255 });
      await expectLogged(
        site,
        /"reason":"listen".*tcpip-forward 127\.0\.0\.1:9081/,
        /to remote forward to host 127\.0\.0\.1 port 9081, but the request was denied/,
      );

      // A token for the second time.
      const token = await enrolmentToken(site.work, 'site-9');
      const third = join(thief.stateDir, 'third');
      const enrol = (): ReturnType<typeof thief.call> =>
        thief.call(['enroll', '--state-dir', third, '--force', '--hub', `${hub}:443`, '--token', '-', '--json'], token);
      expect(await enrol()).toMatchObject({ exitCode: 0 });
      const replayed = await thief.call(
        ['enroll', '--state-dir', `${third}2`, '--hub', `${hub}:443`, '--token', '-', '--json'],
        token,
      );
      expect(replayed.exitCode).not.toBe(0);
      expect(replayed.stdout + replayed.stderr).toContain('enroll.token');
      expect(logOf(site)).not.toContain(token.slice(-40));

      // The APIs, through the tunnel, without their tokens.
      await thief.service.start();
      await site.connected(thief);
      expect(
        await talk('127.0.0.1', 8082, 'GET /api/v1/nodes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      ).toMatch(/^HTTP\/1\.1 401/);
      expect(
        await talk(
          '127.0.0.1',
          8082,
          'GET /metrics HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer guess\r\nConnection: close\r\n\r\n',
        ),
      ).toMatch(/^HTTP\/1\.1 401/);
      await vi.waitFor(() => expect(site.hub.log()).toMatch(/"path":"\/api\/v1\/nodes".*"status":401/), patience);
      const fromHub = { ...thief, host: site.net.hub };
      expect(
        await attackerOn(site, fromHub).talk(
          '127.0.0.1',
          9081,
          'GET /api/v1/jobs HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n',
        ),
        // The built-in server has a socket in a private folder in place of the port.
      ).toMatch(mode === 'built-in' ? /ECONNREFUSED/ : /^HTTP\/1\.1 401/);

      // Too big, and nonsense.
      const head = `POST /api/v1/nodes HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n`;
      expect(await talk('127.0.0.1', 8082, `${head}Content-Length: 100000000\r\n\r\n${'x'.repeat(100_000)}`)).toMatch(
        /^(HTTP\/1\.1 4\d\d|EPIPE|ECONNRESET)/,
      );
      expect(await talk('127.0.0.1', 8082, `GET / HTTP/1.1\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 4\d\d|^E?/,
      );
      expect(await talk('127.0.0.1', 8082, Buffer.alloc(5000, 0xff))).toMatch(/^(HTTP\/1\.1 400|EPIPE|ECONNRESET)/);
      // Whoever goes on sending may meet the end of the connection before he has read the greeting.
      const sentAway = /^(SSH-2\.0-|EPIPE|ECONNRESET)/;
      expect(await talk(hub, 443, 'GET / HTTP/1.1\r\n\r\n'.repeat(1000))).toMatch(sentAway);
      expect(await talk(hub, 443, Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(100_000, 0xff)]))).toMatch(
        sentAway,
      );
      await thief.service.stop();
      for (const line of ['{}\n', 'nonsense\n', `${'x'.repeat(1_000_000)}\n`, '{"version":1,"__proto__":{}}\n']) {
        const answer = await ssh(thiefKey, ['sendense-link'], line);
        expect(answer.stdout).toContain('"error"');
        expect(answer.exitCode).not.toBe(0);
      }

      await thief.service.start();
      await site.connected(thief);

      // Who comes and says nothing, or a byte now and then, is sent away; those who mean it are let in meanwhile.
      const silent = Array.from({ length: 30 }, () => talk(hub, 443, 'S', { dripMs: 1000 }));
      const dripping = talk('127.0.0.1', 8082, 'GET /x', { dripMs: 300 });
      await site.connected(thief);
      expect((await ssh(thiefKey, ['sendense-link'], '{}\n')).stdout).toContain('"error"');
      await dripping;
      if (mode === 'built-in') await Promise.all(silent);
      await expectLogged(site, /"reason":"(login-time|overload)"/, null);

      // Revoked while it is connected, by its link, and by a connection without a session.
      await site.connected(thief);
      const quiet = ssh(thiefKey, ['-N', '-L', '127.0.0.1:7000:127.0.0.1:8082', '']);
      await vi.waitUntil(async () => (await thief.host.run('ss', '-Hltn')).includes('127.0.0.1:7000 '), patience);
      expect(await site.work.call(['node', 'revoke', thief.name])).toMatchObject({ exitCode: 0 });
      await vi.waitUntil(async () => !(await site.net.hub.run('ss', '-Hltn')).includes(':9082 '), patience);
      expect(await quiet).toMatchObject({ exitCode: 255 });
      const refused = await ssh(thiefKey, ['sendense-link']);
      expect(refused).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Permission denied') as string });
      // After many refusals in a minute the hub only counts more of one origin.
      await vi.waitFor(
        async () => {
          await ssh(thiefKey, ['sendense-link']);
          const logged =
            mode === 'built-in'
              ? /"reason":"revoked-key"/
              : /Failed publickey|Connection closed by authenticating user root/;
          expect(logged.test(logOf(site))).toBe(true);
        },
        { timeout: 200_000, interval: 3000 },
      );
      await vi.waitFor(
        () => expect(readFileSync(join(thief.stateDir, 'link/status.json'), 'utf8')).toMatch(/ssh\.key|node\.revoked/),
        patience,
      );

      // Nobody has noticed.
      expectSuccess(await running, 'full', [0, 3]);
      await vm.expectRestored();
      await site.connected(victim);
    },
  );
});
