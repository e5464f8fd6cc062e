import type { Browser, Page } from 'playwright-core';
import { filesWorld } from '../../web/files-world.ts';
import { standIn } from '../../web/stand-in.ts';
import type { Figure } from './goals.ts';
import { longestTask, watchTasks } from './long-tasks.ts';

const names = 100_000;

/** The longest task of the Files screen with a large folder: while it is read, scrolled, sorted and narrowed. The hub is one of the tests. */
export async function filesFolder(browser: Browser): Promise<Figure[]> {
  await using stand = await standIn(filesWorld({ now: Date.now(), many: names }));
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const at = await context.newPage();
  await at.addInitScript(watchTasks);
  await at.goto(`${stand.url}/files/pg01?volume=disk-0p2&path=${Buffer.from('many').toString('base64url')}`);
  await at.getByText(`${names} names`, { exact: true }).waitFor();
  const read = await longestTask(at);
  await scroll(at);
  const scrolled = await longestTask(at);
  await at.getByRole('button', { name: 'Size' }).click();
  await at.getByRole('searchbox', { name: 'Narrow this folder' }).fill('file-0990');
  await at.getByText(`100 of ${names} names`).waitFor();
  const sorted = await longestTask(at);
  await context.close();
  const figure = (doing: string, value: number): Figure => ({
    name: `a folder of 100,000 names: longest task while ${doing}`,
    value,
    unit: 'ms',
    goal: 200,
  });
  return [figure('it is read', read), figure('scrolling', scrolled), figure('it is sorted and narrowed', sorted)];
}

async function scroll(at: Page): Promise<void> {
  const grid = at.getByRole('grid', { name: 'Names in this folder' });
  const box = await grid.boundingBox();
  await at.mouse.move((box?.x ?? 0) + 100, (box?.y ?? 0) + 200);
  for (let turn = 0; turn < 60; turn++) {
    await at.mouse.wheel(0, 5000);
    await at.evaluate('new Promise((drawn) => requestAnimationFrame(drawn))');
  }
  await grid.focus();
  await at.keyboard.press('End');
  await grid.getByText(`file-0${names - 1}`).waitFor();
}
