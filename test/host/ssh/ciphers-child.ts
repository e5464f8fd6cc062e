/** Makes ciphers as ssh2 does for each connection, and lets them be collected, in no call of ours. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { ssh2 } from '../../../src/host/ssh/ssh2.ts';

interface Ssh2Crypto {
  readonly bindingAvailable: boolean;
  readonly init: Promise<void>;
  readonly CIPHER_INFO: Readonly<Record<string, unknown>>;
  createDecipher(options: object): unknown;
}

const crypto = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as Ssh2Crypto;
await crypto.init;
for (let round = 0; round < 60; round++) {
  for (let made = 0; made < 1000; made++)
    crypto.createDecipher({
      inbound: {
        onPayload: () => {},
        decipherInfo: crypto.CIPHER_INFO['aes256-gcm@openssh.com'],
        decipherIV: randomBytes(12),
        decipherKey: randomBytes(32),
        seqno: 0,
      },
    });
  await setImmediate();
}
console.log(typeof ssh2.Client, crypto.bindingAvailable ? 'native' : 'of Node');
