import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { readKeyFile } from '../../src/host/images/key-file.ts';
import { readSecret } from '../../src/host/system/secret.ts';
import { makeKeyPair } from '../../src/host/ssh/keys.ts';
import { apiTokenFrom } from '../../src/hub/api-token.ts';
import { readAuthority } from '../../src/hub/notify/channel.ts';
import { readChangedAreas } from '../../src/node/sources/image/changed-areas.ts';
import { readEnrolment } from '../../src/node/link/enrolment-files.ts';
import { tokenFrom } from '../../src/node/token.ts';
import { imageKey } from '../../src/repository/image-keys.ts';
import { sealJson, unsealJson } from '../../src/state/credentials/seal.ts';
import { fuzz, judge } from './harness.ts';
import { changedBytes, hostileBytes, hostileText } from './hostile.ts';
import { hostileJson } from './hostile-json.ts';
import { hostileEntries, Trees, type Entry } from './hostile-tree.ts';
import { assertInside, touched } from './touched.ts';

const trees = new Trees('outside');
const root = join(trees.path, 'tree');
afterAll(() => trees[Symbol.dispose]());
const at = (name: string): string => join(root, name);

const { publicKey } = makeKeyPair('fuzz');
const sound = [
  Buffer.alloc(32, 7),
  Buffer.from('pa55 word\n'),
  Buffer.from(`${'t'.repeat(43)}\r\n`),
  Buffer.from(publicKey),
  Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
];
const names = ['secret', 'sendense.key', 'token', 'api-token', 'ca.pem', 'link/hub.json', 'credentials/secret'];

/** Readers of files that hold a secret, with the code of the error that they may have. */
const readers: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['secret.unreadable', () => readSecret({ secret: { file: 'secret' } }, root)],
  ['secret.unreadable', () => readSecret({ secret: { systemd: 'secret' } }, root)],
  ['credential.key', async () => readKeyFile(at('sendense.key'))],
  ['secret.unreadable', () => tokenFrom(at('token'))],
  ['secret.unreadable', () => apiTokenFrom(at('api-token'))],
  ['file.unreadable', () => readAuthority('ca.pem', root)],
  ['link.damaged', () => readEnrolment(root)],
];

fuzz('files with secrets', {
  input: hostileEntries(['', 'link', 'credentials'], names, hostileBytes(fc.constantFrom(...sound))),
  few: 60,
  attempt: async (entries: readonly Entry[]) => {
    process.env['CREDENTIALS_DIRECTORY'] = at('credentials');
    try {
      for (const entry of entries) {
        trees.place(root, entry);
        if (entry.kind === 'file' || entry.kind === 'sparse') chmodQuietly(join(root, entry.path));
      }
      for (const [code, read] of readers) {
        const { result, paths } = await touched(() => judge(read));
        assertInside(root, paths);
        if (!result.refused) continue;
        expect(result.refused.code).toBe(code);
        // Of a secret nothing is said but where it should be.
        for (const { content } of entries)
          if (content.length > 20 && /^[\x21-\x7e]+$/.test(content.toString('latin1')))
            expect(result.refused.message).not.toContain(content.toString('latin1'));
      }
      trees.assertOutside();
    } finally {
      delete process.env['CREDENTIALS_DIRECTORY'];
      rmSync(root, { recursive: true, force: true });
    }
  },
});

function chmodQuietly(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch {
    // A later entry took its place.
  }
}

fuzz('keys of images', {
  input: fc.oneof(
    hostileText,
    hostileBytes(fc.constant(Buffer.from('k'.repeat(44)))).map((bytes) => bytes.toString('utf8')),
  ),
  few: 60,
  attempt: async (text) => {
    // One that is taken costs 40 ms, on purpose.
    const taken = text.length >= 20 && /^[\x21-\x7e]+$/.test(text);
    if (taken && text.length % 16 !== 0) return;
    const { accepted, refused } = await judge(() => imageKey(text, 'encryption.key'));
    if (refused) return expect([taken, refused.code]).toEqual([false, 'repository.key']);
    expect(accepted.id).toMatch(/^[0-9a-f]{16}$/);
  },
});

const key = Buffer.alloc(32, 1);
const place = { kind: 'sendense-credential', database: 'd', id: 'i', name: 'n' } as const;
const sealed = sealJson(key, place, { user: 'u', password: 'p' });

fuzz('credentials that were sealed', {
  input: changedBytes(fc.constant(sealed)),
  few: 60,
  attempt: (bytes) => {
    const opened = unsealJson(key, place, bytes);
    if (opened !== null) expect(bytes.equals(sealed)).toBe(true);
  },
});

const changes = {
  version: 1,
  change_id: 'c2',
  since: 'c1',
  capacity_bytes: 1_048_576,
  areas: [
    { offset: 0, length: 65_536 },
    { offset: 131_072, length: 65_536 },
  ],
};

fuzz('changes that an outside tracker saw', {
  input: hostileEntries([''], ['changes'], hostileJson(fc.constant<unknown>(changes))),
  few: 60,
  attempt: async (entries) => {
    // 65 MiB may be the changes of a disk, and cost as much as a hundred others.
    for (const entry of entries) if (entry.kind !== 'sparse') trees.place(root, entry);
    const { result, paths } = await touched(() => judge(() => readChangedAreas(at('changes'), 1_048_576)));
    rmSync(root, { recursive: true, force: true });
    assertInside(root, paths);
    const { accepted, refused } = result;
    if (refused) return expect(['source.unsupported', 'source.missing', 'file.unreadable']).toContain(refused.code);
    let last = 0;
    for (const { offset, length } of accepted.areas) {
      expect(offset >= last && length > 0 && offset + length <= 1_048_576).toBe(true);
      last = offset + length;
    }
  },
});
