/** The login at a real identity provider, in a real browser, over TLS. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificate } from '../../src/hub/tls/make-certificate.ts';
import { client, realProvider, type RealProvider } from '../hub/access/oidc-provider.ts';
import { servedHub, type ServedHub } from '../hub/access/served-hub.ts';
import { openBrowser, openPage } from './browser.ts';
import { findings } from './findings.ts';

let browser: Browser;
let provider: RealProvider;
let hub: ServedHub;

beforeAll(async () => {
  const { certificate: cert, key } = makeCertificate(['localhost', '127.0.0.1']);
  [browser, provider] = await Promise.all([openBrowser(), realProvider()]);
  const groups = 'groups: { admins: admin }';
  const settings = `oidc: { issuer: '${provider.issuer}', clientId: ${client.id}, clientSecret: sso, name: Example SSO, scope: openid profile, ${groups} }`;
  hub = await servedHub({}, {}, { settings, certificate: { cert, key } });
  hub.hub.credentials.add('sso', client.id, client.secret);
  provider.serve(hub.running.url);
  provider.groups.set('anna', ['admins']);
});

afterAll(async () => {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

async function typeAtProvider(page: Page, name: string): Promise<void> {
  await page.locator('[name=login]').fill(name);
  await page.locator('[name=password]').fill('x');
  await page.locator('[type=submit]').first().click();
}

test('one logs in at the provider, proves the password there before something is destroyed, and logs out there', async () => {
  await using opened = await openPage(browser, { ignoreHTTPSErrors: true });
  const { page, complaints } = opened;
  await page.goto(`${hub.running.url}/users`);
  const button = page.getByRole('link', { name: 'Log in with Example SSO' });
  await button.waitFor();
  expect(await findings(page)).toEqual([]);
  await button.click();
  await typeAtProvider(page, 'anna');
  // Back where one wanted to be.
  await page.getByRole('heading', { name: 'Users and tokens' }).waitFor();
  expect(page.url()).toBe(`${hub.running.url}/users`);
  const cookies = await page.context().cookies(hub.running.url);
  const session = cookies.find(({ name }) => name === '__Host-sendense');
  expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict' });
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('ci');
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  const [other] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('link', { name: 'Type your password at the identity provider' }).click(),
  ]);
  await typeAtProvider(other, 'anna');
  await other.getByText('The hub does not know your password.').waitFor();
  await other.close();
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('button', { name: 'Log out', exact: true }).click();
  await page.waitForURL(`${provider.issuer}/session/end**`);
  expect(complaints).toEqual([]);
});

test('a session that has ended is begun again beside what is on the screen', async () => {
  await using opened = await openPage(browser, { ignoreHTTPSErrors: true });
  const { page } = opened;
  await page.goto(`${hub.running.url}/users`);
  await page.getByRole('link', { name: 'Log in with Example SSO' }).click();
  await typeAtProvider(page, 'anna');
  await page.getByRole('button', { name: 'Add a user' }).click();
  await page.getByLabel('Name', { exact: true }).fill('typed');
  hub.hub.access.endSessions({ user: 'anna' });
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  const [other] = await Promise.all([
    page.context().waitForEvent('page'),
    dialog.getByRole('link', { name: 'Log in with Example SSO' }).click(),
  ]);
  await other.getByRole('heading', { name: 'Your account' }).waitFor();
  await other.close();
  // A browser without windows does not tell the page that it is looked at again.
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('typed');
});

test('who has no group that has a role is told so', async () => {
  await using opened = await openPage(browser, { ignoreHTTPSErrors: true });
  const { page } = opened;
  await page.goto(hub.running.url);
  await page.getByRole('link', { name: 'Log in with Example SSO' }).click();
  await typeAtProvider(page, 'stranger');
  await page.getByRole('alert').getByText('none of your groups has a role here').waitFor();
  expect(await findings(page)).toEqual([]);
});
