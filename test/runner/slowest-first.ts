import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { readTimings } from './timings.ts';

const root = join(import.meta.dirname, '../..');

/** The longest files first, so that no worker is left alone with one at the end. One that was never timed counts as long. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const timings = readTimings();
    const seconds = (file: TestSpecification): number => timings[relative(root, file.moduleId)] ?? Infinity;
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
