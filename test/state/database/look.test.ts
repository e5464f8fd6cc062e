import { readdirSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { countRuns, listRuns } from '../../../src/state/runs/runs.ts';
import { addRuns, temporaryState } from '../temporary-state.ts';

/** As if the database had been written long ago: one that was written just now is copied before it is read. */
function settle(path: string): void {
  const long = new Date(Date.now() - 60_000);
  utimesSync(path, long, long);
}

const idsOf = (state: State): string[] =>
  listRuns(state)
    .map(({ id }) => id)
    .toSorted();

const filesBeside = (path: string): string[] => readdirSync(dirname(path)).toSorted();

test('a database that nobody has open is read where it is, and nothing is made or changed', () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  temporary.state.close();
  settle(temporary.path);
  const before = statSync(temporary.path, { bigint: true });
  using look = openState(temporary.path, { readOnly: true });
  expect(idsOf(look)).toEqual(['r1']);
  expect(filesBeside(temporary.path)).toEqual(['sendense.db']);
  const { mtimeNs, ctimeNs, size } = statSync(temporary.path, { bigint: true });
  expect({ mtimeNs, ctimeNs, size }).toEqual({ mtimeNs: before.mtimeNs, ctimeNs: before.ctimeNs, size: before.size });
});

test('what another process writes meanwhile is seen, whether it goes on or has ended', () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  temporary.state.close();
  settle(temporary.path);
  using look = openState(temporary.path, { readOnly: true });
  expect(idsOf(look)).toEqual(['r1']);
  {
    using writer = openState(temporary.path);
    addRuns(writer, 'r2');
    expect(idsOf(look)).toEqual(['r1', 'r2']);
    addRuns(writer, 'r3');
    expect(idsOf(look)).toEqual(['r1', 'r2', 'r3']);
  }
  expect(idsOf(look)).toEqual(['r1', 'r2', 'r3']);
});

test('a write that came and went between two looks is seen', () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  temporary.state.close();
  settle(temporary.path);
  using look = openState(temporary.path, { readOnly: true });
  expect(idsOf(look)).toEqual(['r1']);
  using writer = openState(temporary.path);
  addRuns(writer, 'r2');
  writer.close();
  expect(idsOf(look)).toEqual(['r1', 'r2']);
});

test('what is read together is of one moment', () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  using look = openState(temporary.path, { readOnly: true });
  look.reading(() => {
    expect(countRuns(look).get('running')).toBe(1);
    addRuns(temporary.state, 'r2');
    expect(idsOf(look)).toEqual(['r1']);
  });
  expect(idsOf(look)).toEqual(['r1', 'r2']);
});

test('what is written is seen by the one who wrote it, and forgotten', () => {
  using temporary = temporaryState();
  addRuns(temporary.state, 'r1');
  {
    using look = openState(temporary.path, { readOnly: true });
    expect(idsOf(look)).toEqual(['r1']);
    addRuns(look, 'dry');
    expect(idsOf(look)).toEqual(['dry', 'r1']);
  }
  expect(idsOf(temporary.state)).toEqual(['r1']);
});
