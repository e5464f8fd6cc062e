import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { judgeFirstBytes } from '../../src/host/ssh/data-preface.ts';
import { fingerprintOf, makeKeyPair, parsePublicKey } from '../../src/host/ssh/keys.ts';
import { lineSplitter } from '../../src/host/ssh/line-splitter.ts';
import { readFields, sshString } from '../../src/host/ssh/wire-format.ts';
import { enrollSession } from '../../src/hub/nodes/enroll-session.ts';
import { makeEnrolmentToken } from '../../src/hub/nodes/enrolment-token.ts';
import { linkSession } from '../../src/hub/nodes/link-session.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { parseEnrollToken } from '../../src/node/link/enroll-token.ts';
import { readEnrolment, linkFolder } from '../../src/node/link/enrolment-files.ts';
import { answerIn, firstLine } from '../../src/node/link/hub-answers.ts';
import { readLinkStatus } from '../../src/node/link/link-files.ts';
import type { EnrollToken, LinkWelcome } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { temporaryState } from '../state/temporary-state.ts';
import { cutAt, cuts, sink, streamOf } from './chunks.ts';
import { fuzz, judge } from './harness.ts';
import { changedBytes, hostileBytes, hostileText } from './hostile.ts';
import { hostileJson, parsedOf } from './hostile-json.ts';

const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-'));
const { state, ...database } = temporaryState();
afterAll(() => {
  database[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const { publicKey } = makeKeyPair('fuzz');
const hello = { version: 1, node_version: '0.1.0', hostname: 'site-b', boot_id: 'b', time: 1_763_690_000_000 };
const requests: readonly unknown[] = [
  { ping: 1_763_690_000_000 },
  { data: 'ticket', slot: 3 },
  { data: 'sshd' },
  { data: 'builtin' },
];
const welcome: LinkWelcome = {
  version: 1,
  name: 'site-b',
  reverse_port: 9081,
  nbd_address: '127.1.0.1',
  nbd_ports: { from: 10_100, to: 10_200 },
  hub_api_port: 8082,
  data: 'tunnel',
  hub_version: '0.1.0',
  time: 1_763_690_000_000,
};
const refusal = { error: { code: 'node.revoked', message: 'm', remedy: 'r', position: null } };

const lineOf = (values: readonly unknown[]): fc.Arbitrary<Buffer> => hostileJson(fc.constantFrom(...values));
const joined = (lines: readonly Buffer[]): Buffer => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));

/** Mostly a hello that counts, so that what comes after it is looked at, too. */
const linkLines = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(Buffer.from(JSON.stringify(hello))) },
      { weight: 1, arbitrary: lineOf([hello]) },
    ),
    fc.array(lineOf(requests), { maxLength: 4, size: 'max' }),
  )
  .map(([first, more]) => joined([first, ...more]));

fuzz('lines of a node', {
  input: fc.tuple(
    fc.oneof({ weight: 5, arbitrary: linkLines }, { weight: 1, arbitrary: changedBytes(linkLines) }),
    cuts,
  ),
  few: 120,
  sound: [[joined([hello, ...requests].map((one) => Buffer.from(JSON.stringify(one)))), []]],
  attempt: async ([bytes, places]) => {
    const { output, text } = sink();
    const asked: object[] = [];
    const { refused } = await judge(() =>
      linkSession({
        input: streamOf(bytes, places),
        output,
        welcome: (said) => {
          expect(validatorOf('link/hello.json')(structuredClone(said))).toBe(true);
          return welcome;
        },
        data: (request) => {
          asked.push(request);
          expect(validatorOf('link/request.json')(structuredClone(request))).toBe(true);
          return { ticket: null, reason: 'none' };
        },
      }),
    );
    if (refused) expect(refused.code).toBe('request.invalid');
    for (const line of text().split('\n').filter(Boolean)) JSON.parse(line);
    expect(text().length).toBeLessThan(bytes.length * 20 + 20_000);
    return refused === undefined;
  },
});

const request = {
  version: 1,
  public_key: publicKey,
  api_token: 'x'.repeat(32),
  hostname: 'site-b',
  node_version: '0.1.0',
};

fuzz('requests to enrol', {
  input: fc.tuple(
    fc.oneof(
      lineOf([request]),
      fc
        .tuple(hostileText, fc.constant(request))
        .map(([key, rest]) => Buffer.from(JSON.stringify({ ...rest, public_key: key }))),
    ),
    cuts,
  ),
  few: 60,
  attempt: async ([line, places]) => {
    const { output, text } = sink();
    const { accepted } = await judge(() =>
      enrollSession({
        state,
        places: { nbdPorts: welcome.nbd_ports, api: { host: '127.0.0.1', port: 8082 } } as never,
        data: 'tunnel',
        oneTimeKey: '',
        input: streamOf(joined([line]), places),
        output,
      }),
    );
    // Nobody has that one-time key, so nobody is let in.
    expect(accepted).toBeInstanceOf(SendenseError);
    expect(['request.invalid', 'enroll.token']).toContain((accepted as SendenseError).code);
    expect(validatorOf('link/error.json')(JSON.parse(text()))).toBe(true);
  },
});

fuzz('answers of a hub', {
  input: fc.tuple(
    lineOf([
      welcome,
      refusal,
      { pong: 1, time: 2 },
      { ticket: 't'.repeat(40), user: 'u' },
      { ticket: null, reason: 'r' },
    ]),
    fc.constantFrom('link/welcome.json', 'link/pong.json', 'link/data-answer.json', 'link/enroll-answer.json'),
  ),
  few: 120,
  attempt: async ([line, schema]) => {
    const { accepted } = await judge(() => answerIn(schema, firstLine(line.toString('utf8')), 'hub:443'));
    if (accepted !== undefined) expect(validatorOf(schema)(structuredClone(accepted))).toBe(true);
  },
});

fuzz('lines in pieces', {
  input: fc.tuple(hostileBytes(fc.constant(joined(requests.map((one) => Buffer.from(JSON.stringify(one)))))), cuts),
  attempt: ([bytes, places]) => {
    let length = 0;
    const split = lineSplitter((line) => {
      expect(line).not.toContain('\n');
      length += line.length;
    });
    for (const piece of cutAt(bytes, places)) split(piece);
    expect(length <= bytes.length).toBe(true);
  },
});

const enrolment = {
  version: 1,
  name: 'site-b',
  hub: { host: 'hub.example.com', port: 443, user: 'sendense', host_key: publicKey },
  key_file: 'id_ed25519.abc',
  public_key: publicKey,
  reverse_port: 9081,
  nbd_ports: { from: 1, to: 2 },
  hub_api_port: 8082,
  data: 'tunnel',
  hub_version: '0.1.0',
};

fuzz('files of a link', {
  input: lineOf([enrolment, { version: 1, state: 'up' }]),
  attempt: async (text) => {
    mkdirSync(linkFolder(folder), { recursive: true });
    writeFileSync(join(linkFolder(folder), 'hub.json'), text);
    writeFileSync(join(linkFolder(folder), 'status.json'), text);
    const { accepted } = await judge(() => readEnrolment(folder));
    if (accepted) expect(accepted.key_file).toMatch(/^id_ed25519[A-Za-z0-9.-]*$/);
    await readLinkStatus(folder);
  },
});

const { token } = makeEnrolmentToken({
  name: 'site-b',
  hostKey: publicKey,
  user: 'sendense',
  expires: 1_900_000_000_000,
});
const contentOf = (text: string): unknown => parsedOf(Buffer.from(text.slice('sendense1.'.length), 'base64url'));

fuzz('enrolment tokens', {
  input: fc.oneof(
    hostileBytes(fc.constant(Buffer.from(token))).map((bytes) => bytes.toString('utf8')),
    hostileJson(fc.constant(contentOf(token))).map((json) => `sendense1.${json.toString('base64url')}`),
  ),
  few: 120,
  sound: [token],
  attempt: async (text) => {
    const { accepted, refused } = await judge((): EnrollToken => parseEnrollToken(text));
    if (refused) return expect(refused.code).toBe('enroll.token');
    expect(parsePublicKey(accepted.host_key)).not.toBeNull();
    expect(Buffer.from(accepted.seed, 'base64url')).toHaveLength(32);
    return true;
  },
});

const blob = (...parts: (string | Buffer)[]): Buffer => Buffer.concat(parts.map(sshString));
const keys = [
  blob('ssh-ed25519', Buffer.alloc(32, 1)),
  blob('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(400, 255)),
  blob('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 4)),
];

fuzz('public keys', {
  input: fc.oneof(
    hostileBytes(fc.constantFrom(...keys)).map(
      (bytes) => `${readFields(bytes)?.[0]?.toString('latin1') ?? 'ssh-ed25519'} ${bytes.toString('base64')} a comment`,
    ),
    hostileBytes(fc.constant(Buffer.from(publicKey))).map((bytes) => bytes.toString('latin1')),
  ),
  few: 120,
  sound: [publicKey],
  attempt: (text) => {
    const parsed = parsePublicKey(text);
    if (parsed === null) return false;
    expect(parsePublicKey(parsed)).toBe(parsed);
    // It stands in a line of authorized_keys.
    expect(parsed).toMatch(/^[a-z0-9-]+ [A-Za-z0-9+/=]+$/);
    return fingerprintOf(parsed).startsWith('SHA256:');
  },
});

fuzz('first bytes of a connection', {
  input: hostileBytes(fc.constantFrom(Buffer.from('SSH-2.0-x\r\n'), Buffer.from(`SENDENSE-DATA ${'t'.repeat(40)}\n`))),
  attempt: (bytes) => {
    const judged = judgeFirstBytes(bytes);
    if (judged.kind === 'preface') expect(judged.ticket).toMatch(/^[A-Za-z0-9_-]+$/);
    if (judged.kind === 'more') expect(bytes.length).toBeLessThan(200);
  },
});
