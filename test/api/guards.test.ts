import { expect, test } from 'vitest';
import { oneTimeTickets } from '../../src/api/one-time.ts';
import { raw } from '../node/raw-request.ts';
import { token, until } from '../node/support.ts';
import { serveSmall } from './small-api.ts';

const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

test('without the token nothing is told, not even which paths there are', async () => {
  await using api = await serveSmall();
  for (const authorization of ['', 'Bearer', 'Bearer wrong', `Bearer ${token}x`, token, `Basic ${token}`]) {
    for (const path of ['/bytes', '/none', '/ticket', '/things/%zz']) {
      const { status, body } = await raw(api, 'GET', path, '', { authorization });
      expect([status, body.error.code, body.error.remedy]).toEqual([401, 'node.refused', 'Look for it in the tests.']);
    }
  }
  expect(api.counted.refused).toBe(24);
});

test('the scheme of the token may have small letters, and a refusal names the scheme', async () => {
  await using api = await serveSmall();
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bearer  '])
    expect((await raw(api, 'GET', '/either', '', { authorization: `${scheme} ${token}` })).status).toBe(200);
  const refused = await raw(api, 'GET', '/either', '', { authorization: 'bearer wrong' });
  expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="Sendense"']);
});

test('a ticket lets in once, to its route only', async () => {
  await using api = await serveSmall();
  const ticket = api.tickets.issue('onlyTicket');
  expect((await raw<string>(api, 'GET', '/ticket', '', bearer(ticket))).body).toBe('let in');
  expect((await raw(api, 'GET', '/ticket', '', bearer(ticket))).status).toBe(401);
  expect((await raw(api, 'GET', '/either', '', bearer(api.tickets.issue('onlyTicket')))).status).toBe(401);
  expect((await raw(api, 'GET', '/either', '', bearer(api.tickets.issue('either')))).status).toBe(200);
  expect((await raw(api, 'GET', '/either')).status).toBe(200);
  // What is for tickets is not for the token, and the other way round.
  expect((await raw(api, 'GET', '/ticket')).status).toBe(401);
  expect((await raw(api, 'GET', '/bytes', '', bearer(api.tickets.issue('down')))).status).toBe(401);
});

test('a ticket that is too old, or one of too many, is good no more', () => {
  let now = 0;
  const tickets = oneTimeTickets({ validMs: 1000, most: 2 }, () => now);
  const [first, second, third] = [tickets.issue('a'), tickets.issue('a'), tickets.issue('a')];
  expect([tickets.take(first, 'a'), tickets.take(second, 'a')]).toEqual([false, true]);
  now = 1000;
  expect(tickets.take(third, 'a')).toBe(false);
  const wrong = tickets.issue('a');
  expect([tickets.take(wrong, 'b'), tickets.take(wrong, 'a')]).toEqual([false, false]);
});

test('no ticket and no token is in the log', async () => {
  await using api = await serveSmall();
  const ticket = api.tickets.issue('onlyTicket');
  await raw(api, 'GET', `/ticket?t=${ticket}`, '', bearer(ticket));
  await raw(api, 'GET', `/none?t=${token}`);
  await until(() => api.lines.filter(({ msg }) => msg.startsWith('request')).length === 2, 'both lines');
  expect(JSON.stringify(api.lines)).not.toContain(ticket);
  expect(JSON.stringify(api.lines)).not.toContain(token);
});
