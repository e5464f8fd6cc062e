import { describe, expect, test } from 'vitest';
import { cancelledBy } from '../../src/engine/install-signals.ts';
import { errorToJson, exitCodeOf } from '../../src/errors/sendense-error.ts';
import { fakeHub, point } from './fake-hub.ts';
import { runCli } from './run-cli.ts';

describe('a command that a signal ends', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('%s: %s, whichever command it is', async (signal, exit) => {
    const { hub } = fakeHub({ points: [point('b1', null, 0)] });
    hub.care.copy = async ({ signal: stop }) => {
      // To this process, as a service manager or a terminal would.
      process.emit(signal as NodeJS.Signals, signal as NodeJS.Signals);
      stop?.throwIfAborted();
      throw new Error('it was not cancelled');
    };
    const { exitCode } = await runCli(['repo', 'copy', 'pgtest1', '--to', 'other'], { openHub: async () => hub });
    expect(exitCode).toBe(exit);
    expect(exitCodeOf(cancelledBy(signal))).toBe(exit);
  });
});

describe('a disk that does not do its work', () => {
  test.each(['EIO', 'ESTALE', 'EREMOTEIO', 'EUCLEAN'])('%s is no internal error', (code) => {
    const error = Object.assign(new Error(`${code}: i/o error, write`), { code });
    expect(errorToJson(error)).toMatchObject({ code: 'disk.failed', message: `${code}: i/o error, write` });
    expect(exitCodeOf(error)).toBe(1);
  });
});
