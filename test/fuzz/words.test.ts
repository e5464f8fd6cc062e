import { statSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { countOption } from '../../src/cli/count-option.ts';
import { durationOption } from '../../src/cli/duration-option.ts';
import { sinceOf } from '../../src/cli/since.ts';
import { parseNbdUri } from '../../src/host/nbd/nbd-uri.ts';
import { newestSlots, nextSlot } from '../../src/hub/schedule/slots.ts';
import { systemdCalendar } from '../../src/hub/schedule/systemd-calendar.ts';
import { chooseFormat } from '../../src/node/sources/image/choose-format.ts';
import { checkSchedule } from '../../src/plan/checks/check-schedule.ts';
import { createEvaluator } from '../../src/plan/expressions/create-evaluator.ts';
import { durationMs } from '../../src/time/duration.ts';
import { isName, nameFrom } from '../../src/plan/names.ts';
import { parseDocument } from '../../src/plan/yaml/parse-document.ts';
import { sizeBytes } from '../../src/repository/stored-files/size.ts';
import { ageMs } from '../../src/schemas/age-ms.ts';
import { parseHostAndPort } from '../../src/schemas/host-and-port.ts';
import { schemaOf } from '../../src/schemas/validator.ts';
import { parseNbdList } from '../../src/host/nbd/nbd-list.ts';
import { harmless } from '../../src/view/text.ts';
import { runCli } from '../cli/run-cli.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { fuzz, judge } from './harness.ts';
import { hostileBytes, hostileText, numberTexts, prototypeWords, strayPaths } from './hostile.ts';

const words = (...sound: string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: hostileBytes(fc.constantFrom(...sound).map((text) => Buffer.from(text))).map((bytes) =>
        bytes.toString('utf8'),
      ),
    },
    { weight: 1, arbitrary: hostileText },
  );

const { document } = parseDocument({ file: 'plan.yaml', text: 'schedule:\n  cron: "* * * * *"\n' });

const cronField = fc.oneof(
  fc.constantFrom(
    '*',
    '?',
    '0',
    '5',
    '31',
    '29',
    '*/1',
    '*/61',
    '1-5',
    '5-1',
    '1,2,3',
    'L',
    'LW',
    '15W',
    '1#5',
    'MON#2',
    'SUN',
    'jan',
    '7',
    '0-59/59',
    '*/0',
    '60',
    '-1',
    '1-',
    ',',
    '1,,2',
    '9999999999',
    '0/0',
    '1-2-3',
    '**',
    '+1',
    'FRI#L',
    '#',
  ),
  fc.nat(70).map(String),
);
const crons = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(cronField, { minLength: 4, maxLength: 7, size: 'max' }).map((fields) => fields.join(' ')),
  },
  { weight: 1, arbitrary: words('30 2 * * 1-5', '@daily', '0 0 29 2 *', '*/5 * * * * *') },
);
const zones = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Apia', 'America/Havana', 'Australia/Lord_Howe'),
  },
  { weight: 1, arbitrary: words('Europe/Berlin') },
);

fuzz('cron expressions', {
  input: fc.tuple(crons, zones, fc.integer({ min: 0, max: 4_000_000_000_000 })),
  few: 120,
  attempt: async ([cron, timezone, now]) => {
    const schedule = { cron, timezone };
    // The schema refuses those that are empty.
    if (cron === '' || timezone === '' || checkSchedule(document, schedule).length > 0) return;
    const next = nextSlot(schedule, now);
    // Croner looks a hundred years ahead, from one year on.
    if (next !== null) expect(next).toBeGreaterThan(now);
    expect(newestSlots(schedule, now - 3_600_000, now, 3).every((slot) => slot <= now)).toBe(true);
    await judge(() => systemdCalendar(schedule));
  },
});

const definitions = schemaOf('common.json')['$defs'] as Readonly<
  Record<string, { pattern?: string; anyOf?: { pattern?: string }[] }>
>;
const patternOf = (name: string): RegExp => {
  const { pattern, anyOf = [] } = definitions[name] ?? {};
  return new RegExp(pattern ?? anyOf.find((one) => one.pattern !== undefined)?.pattern ?? '(?!)');
};

fuzz('durations, sizes, ages, counts and times', {
  input: words('90s', '24d', '2TiB', '36h', '6mo', '10', '2026-11-01', '2026-11-01T08:00', ...numberTexts),
  few: 120,
  attempt: async (text) => {
    const duration = durationMs(text);
    if (duration !== undefined) expect(duration >= 0).toBe(true);
    for (const read of [() => durationOption('--x', text), () => countOption('--x', text), () => sinceOf(text)]) {
      const { accepted, refused } = await judge(read);
      if (refused) expect(refused.code).toBe('usage');
      else expect(Number.isFinite(accepted)).toBe(true);
    }
    // What the schemas let through is read.
    if (patternOf('age').test(text)) expect(Number.isFinite(ageMs(text))).toBe(true);
    if (patternOf('size').test(text)) expect(sizeBytes(text) >= 0).toBe(true);
  },
});

fuzz('names and addresses', {
  input: words('site-b', 'pgtest1', 'vcenter.example.com:8443', '[2001:db8::1]:443', ...strayPaths, ...prototypeWords),
  few: 120,
  attempt: async (text) => {
    if (isName(text)) expect(text).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
    const made = nameFrom(text);
    expect(made === '' || isName(made)).toBe(true);
    const address = parseHostAndPort(text, 443);
    if (!('fault' in address))
      expect(address.port > 0 && address.port < 65_536 && !/[\s/\0]/.test(address.host)).toBe(true);
    // oxlint-disable-next-line no-control-regex -- these steer a terminal
    expect(harmless(text)).not.toMatch(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
    await judge(() =>
      chooseFormat({
        path: `/disks/${text}`,
        format: null,
        block: false,
        sniffed: { format: 'raw', refersToFiles: false },
      }),
    );
  },
});

fuzz('addresses of disks', {
  input: words(
    'nbd://127.0.0.1:10100/disk-0',
    'nbds://run@127.1.0.1:10100/x',
    'nbd+unix:///e?socket=/run/x.sock',
    '2000:nbd://127.0.0.1:10100/a,2001:nbd://127.0.0.1:10101/b',
  ),
  few: 120,
  attempt: async (text) => {
    parseNbdUri(text);
    const { accepted, refused } = await judge(() => parseNbdList(text));
    if (refused) return expect(refused.code).toBe('request.invalid');
    for (const uri of accepted.values()) expect(parseNbdUri(uri)).not.toBeNull();
  },
});

const fragments = fc.constantFrom(
  '${{',
  '}}',
  'steps',
  '.',
  'plan',
  'name',
  '[0]',
  "['a']",
  '(',
  ')',
  '!',
  '&&',
  '||',
  '==',
  '<',
  'default(',
  ',',
  "'x'",
  '1e309',
  'null',
  'success()',
  'constructor',
  '__proto__',
  ' ',
  '\n',
  '-1',
  '"',
);

fuzz('expressions', {
  input: fc.oneof(
    fc.array(fragments, { maxLength: 14, size: 'max' }).map((parts) => parts.join('')),
    words('${{ default(steps.a.b, plan.name) }}', '${{ plan.vm[0].x }}'),
  ),
  few: 120,
  attempt: async (text) => {
    const scope = {
      plan: { name: 'x', vm: [{ x: 1 }] },
      run: { id: 'r', started: 1 },
      steps: { a: { b: null } },
      outcome: 'success' as const,
    };
    const evaluator = createEvaluator();
    for (const read of [() => evaluator.value(text, scope), () => evaluator.condition(text, scope)]) {
      const { accepted, refused } = await judge(read);
      if (refused) expect(refused.code).toBe('plan.invalid');
      else expect(typeof accepted).not.toBe('function');
    }
  },
});

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const commands = [
  'restore',
  'protect',
  'list',
  'show',
  'check',
  'verify',
  'prune',
  'repo usage',
  'repo gc',
  'repo import',
  'node add',
  'node show',
  'schedule next',
  'schedule history',
  'discover',
  'history',
  'logs',
  'explain',
  'schema',
  'completion',
  'status',
  'notify test',
  'credentials remove',
  'plan',
  'validate',
  'unprotect',
  'init',
];
const options = [
  '--point',
  '--to',
  '--repository',
  '--vm',
  '--until',
  '--reason',
  '--since',
  '--limit',
  '--json',
  '--format',
  '--disk',
  '--config',
  '--source',
  '--node',
  '--older-than',
  '--count',
  '--at',
  '--level',
  '--',
  '-h',
  '--no-color',
  '--data-host',
];

// `validate` without a file judges all plans below the current folder, and the checkout has hundreds.
let folder: TemporaryFolder;
const before = process.cwd();
beforeAll(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
});
afterAll(async () => {
  process.chdir(before);
  await folder[Symbol.asyncDispose]();
});

fuzz('command lines', {
  input: fc.tuple(
    fc.constantFrom(...commands),
    fc.array(
      fc.oneof(
        fc.constantFrom(...options),
        hostileText,
        fc.constantFrom('pgtest1', 'latest', 'before 2026-02-31', 'before', '7d', ...prototypeWords),
      ),
      { maxLength: 5, size: 'max' },
    ),
  ),
  few: 60,
  attempt: async ([command, rest]) => {
    // `validate /` looks at every file of this machine, as it is told to.
    const given = command === 'validate' ? rest.map((word) => (isFolder(word) ? `${word}/nothing` : word)) : rest;
    const argv = [...command.split(' '), ...given];
    const { exitCode, stderr } = await runCli(argv, { openHub: () => Promise.reject(new Error('a hub is wanted')) });
    // 70 is a fault of ours, but for the hub that there is none of.
    if (exitCode === 70) expect(stderr).toContain('a hub is wanted');
    expect(exitCode).toBeLessThan(131);
  },
});
