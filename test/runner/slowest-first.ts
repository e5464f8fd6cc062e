import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { expectedSeconds, readTimings } from './timings.ts';

const root = join(import.meta.dirname, '../..');

/** The longest files first, so that no worker is left alone with one at the end. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const timings = readTimings();
    const expected = new Map(
      files.map(({ moduleId }) => [moduleId, expectedSeconds(relative(root, moduleId), timings)] as const),
    );
    const seconds = ({ moduleId }: TestSpecification): number => expected.get(moduleId) ?? 0;
    return files.toSorted(
      (a, b) =>
        // Those that share a process one after the other, or it would be started anew between them.
        Number(b.project.config.isolate) - Number(a.project.config.isolate) ||
        compare(seconds(b), seconds(a)) ||
        compare(a.moduleId, b.moduleId),
    );
  }
}

const compare = <T>(a: T, b: T): number => (a === b ? 0 : a < b ? -1 : 1);
