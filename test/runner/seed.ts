/** What a test file finds random follows from the seed of the run and from the file (a setup file of vitest). */
import fc from 'fast-check';
import { expect } from 'vitest';
import { relative } from 'node:path';
import { beginFile, seed } from '../support/random.ts';

beginFile(relative(process.cwd(), expect.getState().testPath ?? ''));
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
