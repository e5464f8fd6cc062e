/** Program: the network of VMs that were started together. `node switch-child.js NAME`: listens at a Unix socket of that name in its folder, and ends when no card has been there for a while. */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createFrameSwitch } from './frame-switch.ts';

/** The first VM, or the next one when the last has gone, may take so long to come, ms. Who ends the last one ends this program, too. */
const lingerMs = 120_000;
const betweenMs = 250;

process.umask(0o077);
const [name = ''] = process.argv.slice(2);
const cards = createFrameSwitch();
let idle = 0;
const server = createServer((socket) => {
  idle = 0;
  cards.join(socket);
});
server.listen(name);
// It removes its socket when it ends well.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
process.once('exit', () => server.close());

while (idle < lingerMs) {
  await delay(betweenMs);
  idle = cards.size === 0 ? idle + betweenMs : 0;
}
server.close();
process.exit(0);
