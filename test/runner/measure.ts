/**
 * What a test file costs, measured in the worker that runs it (a setup file of vitest): one JSON line for each file, appended to the
 * file that SENDENSE_TEST_COSTS names. Without that variable nothing is measured.
 */
import childProcess from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import timers from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import type { FileCost } from './costs.ts';
import { processorTime } from './processor-time.ts';
import { residentMs } from '../e2e/resident.ts';

interface Meter {
  /** Counted since this process began. */
  sleeps: number;
  sleptMs: number;
  readonly starts: Map<string, number>;
  /** What all files before this one had cost. */
  last: { at: number; ownMs: number; programsMs: number; sleeps: number; sleptMs: number };
}

// It is for this process and for those that answer in its place (quick-fork.c, ../e2e/resident.ts).
if (process.env['LD_PRELOAD']?.endsWith('/quick-fork')) {
  (globalThis as { sendenseQuickFork?: string }).sendenseQuickFork = process.env['LD_PRELOAD'];
  delete process.env['LD_PRELOAD'];
}

const file = process.env['SENDENSE_TEST_COSTS'];
if (file !== undefined) measureInto(file);

function measureInto(costs: string): void {
  // A worker that is not isolated keeps its meter from file to file; the first file bears the start of the process.
  const kept = globalThis as { sendenseMeter?: Meter };
  const meter = (kept.sendenseMeter ??= startMeter());
  const first = meter.last.ownMs === 0;
  const began = first ? performance.timeOrigin : performance.timeOrigin + performance.now();
  afterAll(() => {
    const now = usage(meter);
    const { last } = meter;
    const cost: FileCost = {
      file: expect.getState().testPath ?? '?',
      wallMs: now.at - began,
      ownMs: now.ownMs - last.ownMs,
      programsMs: now.programsMs - last.programsMs,
      sleeps: now.sleeps - last.sleeps,
      sleptMs: now.sleptMs - last.sleptMs,
      starts: Object.fromEntries(meter.starts),
    };
    meter.last = now;
    meter.starts.clear();
    appendFileSync(costs, `${JSON.stringify(cost)}\n`);
  });
}

function startMeter(): Meter {
  const meter: Meter = {
    sleeps: 0,
    sleptMs: 0,
    starts: new Map(),
    last: { at: performance.timeOrigin, ownMs: 0, programsMs: 0, sleeps: 0, sleptMs: 0 },
  };
  countSleeps(meter);
  countStarts(meter);
  return meter;
}

function usage(meter: Meter): Meter['last'] {
  const { ownMs, programsMs } = processorTime();
  return {
    at: performance.timeOrigin + performance.now(),
    ownMs,
    programsMs: programsMs + residentMs(),
    sleeps: meter.sleeps,
    sleptMs: meter.sleptMs,
  };
}

/** Sleeps of the tests and of the product's code that runs in this process, one after the other or at once. */
function countSleeps(meter: Meter): void {
  const sleep = timers.setTimeout;
  timers.setTimeout = async <T>(delay?: number, value?: T, options?: { signal?: AbortSignal }) => {
    const began = performance.now();
    meter.sleeps++;
    try {
      return await sleep(delay, value, options);
    } finally {
      meter.sleptMs += performance.now() - began;
    }
  };
  syncBuiltinESMExports();
}

function countStarts(meter: Meter): void {
  const count = (argv: readonly string[]): void => {
    const name = programName(argv);
    meter.starts.set(name, (meter.starts.get(name) ?? 0) + 1);
  };
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: childProcess.ChildProcess };
    // The channel speaks before the program is known.
    queueMicrotask(() => child.spawnargs && count(child.spawnargs));
  });
  const spawnSync = childProcess.spawnSync;
  const counted = (command: string, args: readonly string[] = [], ...rest: never[]): unknown => {
    count([command, ...(Array.isArray(args) ? args : [])]);
    return (spawnSync as (...all: unknown[]) => unknown)(command, args, ...rest);
  };
  childProcess.spawnSync = counted as typeof spawnSync;
  syncBuiltinESMExports();
}

/** `qemu-img`; of Node the script that it runs: `sendense-run`. */
function programName(all: readonly string[]): string {
  // The words of `boundWords` end with the process id of the parent.
  const argv = basename(all[0] ?? '') === 'setpriv' && all[1] === '--pdeathsig' ? all.slice(8) : all;
  const script = argv.slice(1).find((word) => /\.[jt]s$/.test(word));
  const name = basename(argv[0] ?? '?');
  return /^node\b/.test(name) && script !== undefined ? basename(script).replace(/\.[jt]s$/, '') : name;
}
