/** Holds a tunnel open until it is killed: `node tunnel-child.ts OPTIONS-AS-JSON`; says `up`. */
import { openTunnel, type TunnelOptions } from '../../../src/host/ssh/tunnel.ts';

await using tunnel = openTunnel(JSON.parse(process.argv[2] ?? '{}') as TunnelOptions);
await tunnel.ready();
process.stdout.write('up\n');
await new Promise(() => setInterval(() => {}, 1000));
