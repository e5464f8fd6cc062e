/** Program: the network of VMs that were started together. `node switch-child.js NAME`: listens at a Unix socket of that name in its folder, and ends soon after the last card has left. */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createFrameSwitch } from './frame-switch.ts';

/** The first VM may take so long to come, ms. */
const firstMs = 120_000;
/** The next one may come when the last has just gone, ms. */
const lingerMs = 2_000;
const betweenMs = 250;

process.umask(0o077);
const [name = ''] = process.argv.slice(2);
const cards = createFrameSwitch();
let joined = false;
const server = createServer((socket) => {
  joined = true;
  cards.join(socket);
});
server.listen(name);
// It removes its socket when it ends well.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
process.once('exit', () => server.close());

for (let idle = 0; idle < (joined ? lingerMs : firstMs);) {
  await delay(betweenMs);
  idle = cards.size === 0 ? idle + betweenMs : 0;
}
server.close();
process.exit(0);
