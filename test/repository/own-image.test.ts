import { rename, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readQcow2Header } from '../../src/host/images/qcow2-header.ts';
import { createJudgedImages, foreignInChain } from '../../src/repository/own-image.ts';
import { touched } from '../fuzz/touched.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

test('of a chain that was judged just now only what was changed since is looked at again', async () => {
  await using folder = await temporaryFolder();
  const file = (at: number): string => folder.file(`p${at}.qcow2`);
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', file(0), '1M']);
  for (const at of [1, 2, 3])
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', `p${at - 1}.qcow2`, file(at)], {
      cwd: folder.path,
    });
  const judged = createJudgedImages();
  const judge = async (at: number) => {
    const header = await readQcow2Header(file(at));
    const { result, paths } = await touched(() => foreignInChain(file(at), header, `p${at - 1}`, judged));
    return { result, below: paths.filter((path) => path.endsWith('.qcow2')) };
  };
  expect(await judge(2)).toEqual({ result: null, below: [file(1), file(0)] });
  expect(await judge(3)).toEqual({ result: null, below: [] });
  await writeFile(folder.file('other'), 'no image');
  await rename(folder.file('other'), file(2));
  expect(await judge(3)).toEqual({
    result: 'is built on p2.qcow2, which is not a qcow2 file',
    below: [file(2)],
  });
});
