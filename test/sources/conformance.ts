import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SourceType } from '../../src/sources/source-kind.ts';
import { hubChecks } from './hub-checks.ts';
import { nodeChecks } from './node-checks.ts';
import type { Subject } from './subject.ts';

/** What every kind of source keeps: `start` makes one with a VM, for all checks together. */
export function conforms<T extends SourceType>(name: string, start: () => Promise<Subject<T>>): void {
  describe(`${name} as a source`, () => {
    let subject: Subject<T>;
    beforeAll(async () => {
      subject = await start();
    }, 300_000);
    afterAll(async () => {
      await subject?.[Symbol.asyncDispose]();
    });
    test.each(Object.entries({ ...hubChecks, ...nodeChecks }))('%s', { timeout: 300_000 }, async (_title, check) =>
      check(subject as unknown as Subject<SourceType>),
    );
  });
}
