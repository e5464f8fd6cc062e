import type { Fixture } from '../fixtures/fixture.ts';
import { fixtures } from '../fixtures/fixtures.ts';

/** Groups and arrays have names of their own; all else can be on one machine. */
const isAlone = ({ volumes }: Fixture): boolean =>
  volumes.some(({ name }) => name.includes('/') && !name.endsWith('/opened'));

/** Fixtures that one reader has at once, because it takes seconds to start. */
export function together(of: readonly Fixture[] = fixtures.filter(({ long }) => !long)): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const fixture of of) {
    if (isAlone(fixture)) groups.unshift([fixture.name]);
    else if (fixture.disks.length <= room) {
      groups.at(-1)?.push(fixture.name);
      room -= fixture.disks.length;
    } else {
      groups.push([fixture.name]);
      room = 8 - fixture.disks.length;
    }
  }
  return groups;
}
