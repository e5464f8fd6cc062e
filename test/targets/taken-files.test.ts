import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  areNamed,
  nameTaken,
  removeNamed,
  removeTaken,
  type NamedClaim,
} from '../../src/targets/directory/taken-files.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

const part = '.sendense-files-0123456789abcdef';

let folder: TemporaryFolder;
let remembered: Record<string, unknown>;
beforeEach(async () => {
  folder = await temporaryFolder();
  remembered = {};
});
afterEach(() => folder[Symbol.asyncDispose]());

const text = (name: string): string => Buffer.from(name, 'latin1').toString('base64url');
const remember = (name: string, value: unknown): void => void (remembered[name] = value);

/** What `files.take` leaves: a private folder with a tree in it. */
function taken(...names: string[]): NamedClaim {
  mkdirSync(folder.file(part), { mode: 0o700 });
  mkdirSync(folder.file(part, 'tree'));
  for (const name of names) {
    if (name.endsWith('/')) {
      mkdirSync(folder.file(part, 'tree', name.slice(0, -1)));
      writeFileSync(folder.file(part, 'tree', name, 'inner'), 'new');
    } else writeFileSync(folder.file(part, 'tree', name), 'new');
  }
  return { directory: folder.path, part, names: names.map((name) => text(name.replace(/\/$/, ''))) };
}

describe('names for what was taken', () => {
  it('all get theirs, and the private folder goes', async () => {
    const claim = taken('etc/', 'file');
    await nameTaken(claim, false, remember);
    expect(readdirSync(folder.path).toSorted()).toEqual(['etc', 'file']);
    expect(readFileSync(folder.file('etc/inner'), 'utf8')).toBe('new');
    expect(areNamed(remembered)).toBe(true);
  });

  it('none gets one where another is taken', async () => {
    const claim = taken('a', 'b');
    writeFileSync(folder.file('b'), 'old');
    await expect(nameTaken(claim, false, remember)).rejects.toMatchObject({ code: 'file.exists' });
    expect(existsSync(folder.file('a'))).toBe(false);
    expect(readFileSync(folder.file('b'), 'utf8')).toBe('old');
    expect(areNamed(remembered)).toBe(false);
  });

  it('with overwrite files are replaced and folders merged, or nothing is', async () => {
    const claim = taken('a', 'etc/', 'late');
    mkdirSync(folder.file('etc'));
    writeFileSync(folder.file('etc/kept'), 'old');
    mkdirSync(folder.file('late'));
    await expect(nameTaken(claim, true, remember)).rejects.toMatchObject({ code: 'file.exists' });
    expect(readdirSync(folder.file('etc'))).toEqual(['kept']);
    expect(existsSync(folder.file('a'))).toBe(false);
    await nameTaken({ ...claim, names: claim.names.slice(0, 2) }, true, remember);
    expect(readdirSync(folder.file('etc')).toSorted()).toEqual(['inner', 'kept']);
  });

  it('a second attempt goes on where the first was cut off', async () => {
    const claim = taken('a', 'b');
    let calls = 0;
    const cut = (name: string, value: unknown): void => {
      remember(name, value);
      if (++calls > 2) throw new Error('cut off');
    };
    await expect(nameTaken(claim, false, cut)).rejects.toThrow('cut off');
    expect(readdirSync(folder.file(part, 'tree'))).toEqual([]);
    await nameTaken(claim, false, remember);
    expect(readdirSync(folder.path).toSorted()).toEqual(['a', 'b']);
    // And a third finds that all is done.
    await nameTaken(claim, false, remember);
    await expect(nameTaken({ ...claim, names: [text('c')] }, false, remember)).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });
});

describe('undo', () => {
  it('removes what was named, and nothing that was there before or came after', async () => {
    const claim = taken('a', 'b', 'etc/');
    writeFileSync(folder.file('b'), 'old');
    await nameTaken(claim, true, remember);
    await removeNamed(claim, remembered);
    // What was replaced is not there any more: the new one stays.
    expect(readdirSync(folder.path)).toEqual(['b']);
    writeFileSync(folder.file('a'), 'of somebody else');
    await removeNamed(claim, remembered);
    expect(readdirSync(folder.path).toSorted()).toEqual(['a', 'b']);
  });

  it('removes an empty folder that was to be replaced when the run was killed', async () => {
    const claim = taken('etc/');
    mkdirSync(folder.file('etc'), { mode: 0o700 });
    await removeNamed(claim, { [`name ${text('etc')}`]: '1:1' });
    expect(existsSync(folder.file('etc'))).toBe(false);
  });

  it('removes the private folder, and follows no link that has its name', async () => {
    const claim = taken('a');
    await removeTaken(claim);
    expect(readdirSync(folder.path)).toEqual([]);
    mkdirSync(folder.file('others'));
    writeFileSync(folder.file('others/file'), 'kept');
    symlinkSync(folder.file('others'), folder.file(part));
    await removeTaken(claim);
    await removeTaken({ ...claim, directory: folder.file('gone') });
    expect(lstatSync(folder.file(part)).isSymbolicLink()).toBe(true);
    expect(readFileSync(folder.file('others/file'), 'utf8')).toBe('kept');
  });
});
