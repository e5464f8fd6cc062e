/** Opens gates on the host on which it is started. Standard input: their places, one line of JSON; standard output: `open`. It ends with its standard input. */
import { createInterface } from 'node:readline';
import { listenAtGate, type GatePlace } from '../../../src/host/nbd/gate/listen.ts';
import { createWaitingRoom } from '../../../src/host/nbd/gate/waiting-room.ts';

const lines = createInterface({ input: process.stdin });
const ended = new Promise((resolve) => lines.once('close', resolve));
const line = await new Promise<string>((resolve) => lines.once('line', resolve));
const room = createWaitingRoom({ most: 512, ms: 10_000 });
for (const place of JSON.parse(line) as GatePlace[]) await listenAtGate(place, room);
process.stdout.write('open\n');
await ended;
process.exit(0);
