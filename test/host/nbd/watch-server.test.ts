import { expect, test } from 'vitest';
import { tcpUri } from '../../../src/host/nbd/nbd-uri.ts';
import { watchServer } from '../../../src/host/nbd/watch-server.ts';
import { runTool } from '../../../src/host/programs/process.ts';
import { MiB, openWorkshop } from '../../blocks/workshop.ts';
import { until } from '../../node/support.ts';
import { freePorts } from '../../support/free-ports.ts';
import { cuttableLink } from '../cuttable-link.ts';
import { makeTarget, serveTarget } from '../served-target.ts';

const host = '127.0.0.1';

/** A server, and a link to it that can fall silent. */
async function linked() {
  await using stack = new AsyncDisposableStack();
  const shop = stack.use(await openWorkshop());
  const [there = 0, port = 0] = await freePorts(2);
  await makeTarget(shop.path('t.qcow2'), 8 * MiB);
  stack.use(await serveTarget(shop, shop.path('t.qcow2'), { port: there, address: host }));
  const link = stack.use(await cuttableLink({ host, port }, { host, port: there }));
  const held = stack.move();
  return { uri: tcpUri(host, port, 'target'), link, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

test('a program that waits for a silent server without end is ended, with the name of the server', async () => {
  await using at = await linked();
  await using watched = await watchServer(at.uri, { psk: null, moved: () => 0, everyMs: 20, silenceMs: 300 });
  at.link.freeze();
  const copying = runTool('nbdcopy', [at.uri, 'null:'], { signal: watched.lost });
  await expect(copying).rejects.toMatchObject({
    code: 'nbd.lost',
    message: expect.stringContaining(`NBD server at ${at.uri}`) as string,
  });
});

test('a program that gets on is left alone, also where the server was away meanwhile', async () => {
  await using at = await linked();
  let moved = 0;
  await using watched = await watchServer(at.uri, { psk: null, moved: () => moved++, everyMs: 20, silenceMs: 300 });
  for (let times = 1; times <= 2; times++) {
    const before = at.link.made();
    await at.link.cut();
    // It has seen that it was lost, and comes again.
    await until(async () => moved >= 2 * times, 'the program is looked at');
    await at.link.mend();
    await until(async () => at.link.made() > before, 'it is asked again');
  }
  expect(watched.lost.aborted).toBe(false);
});
