import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { type Device, describePlayground, devicesOf, eventually, logInBoth } from './support/bench.js';

/* The playground as a person uses it: each button pressed, over each protocol. */

describePlayground((bench) => {
  /** All tokens that the page's devices hold. */
  const tokensIn = (page: Page): Promise<string[]> =>
    page.evaluate("['laptop', 'phone'].map((name) => localStorage.getItem('playground-' + name)).filter(Boolean)");

  const records = (page: Page) => page.getByRole('region', { name: 'Records, as the store has them' });
  const events = (page: Page) => page.getByRole('region', { name: 'Events, as they come' });

  describe.each(['tRPC', 'GraphQL'])('over %s', (protocol) => {
    async function start(): Promise<{ page: Page; laptop: Device; phone: Device }> {
      const { page } = await bench().open();
      await page.getByRole('radio', { name: protocol }).check();
      return { page, ...(await logInBoth(page)) };
    }

    test('no count is lost, and a lost answer is asked for again', async () => {
      const { page, laptop, phone } = await start();
      await laptop.press('Count');
      await laptop.sees('Counted to 1.');
      await laptop.press('20 at once');
      await laptop.sees('20 requests at once: from 1 to 21. None was lost.');
      expect(await laptop.count()).toBe(21);
      expect(await phone.count()).toBe(0);
      await records(page).getByText('"device":"Laptop","count":21').waitFor();

      const [before] = await tokensIn(page);
      await laptop.press('Rotate');
      await laptop.sees('Rotated.');
      const [after = ''] = await tokensIn(page);
      expect(after).not.toBe(before);
      expect(await laptop.token()).toMatch(new RegExp(`…${after.slice(-4)}$`));
      await laptop.press('Count');
      await laptop.sees('Counted to 22.');
      await events(page).getByText('rotated').first().waitFor();

      await laptop.press('Rotate, lose the answer');
      await laptop.sees(/the same token/);
      const [again = '', lost = ''] = await laptop.log();
      const endings = [again, lost].map((line) => /…(.{4})/.exec(line)?.[1]);
      const [token = ''] = await tokensIn(page);
      expect(token).not.toBe(after);
      expect(endings).toEqual([token.slice(-4), token.slice(-4)]);
      // The live updates continue, over a connection with the new token.
      await laptop.sees(/^\d+ messages?$/);
    });

    test('the recovery code needs a fresh password: cancelled, wrong, right', async () => {
      const { page, laptop } = await start();
      await laptop.press('Show the recovery code');
      await laptop.sees('The recovery code is 4821 0937.');
      bench().letPass(16_000);
      const dialog = page.getByRole('dialog');

      await laptop.press('Show the recovery code');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await laptop.sees('Not without the password.');

      await laptop.press('Show the recovery code');
      await dialog.getByLabel('Password', { exact: true }).fill('wrong');
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await dialog.getByRole('alert').getByText('wrong password').waitFor();
      await dialog.getByLabel('Password', { exact: true }).fill('lovelace');
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await eventually(async () => (await laptop.log()).filter((line) => line.includes('4821 0937')).length).toBe(2);
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Show the recovery code');
    });

    test('End, Log out and Log out everywhere end the right sessions, and all devices show it', async () => {
      const { page, laptop, phone } = await start();
      await laptop.press(/^End the session of Phone/);
      await laptop.sees('Ended the session of Phone.');
      await phone.sees('The server has ended this session, and with it the live updates.');
      await phone.sees(/^ended after \d+ messages?$/);
      await phone.sees('Signed out');
      await eventually(() => laptop.list().count()).toBe(1);
      await laptop.sees('Signed in as ada');

      await phone.login();
      await eventually(() => laptop.list().count()).toBe(2);
      await phone.press('Log out');
      await phone.sees('Logged out.');
      await phone.sees('Signed out');
      await eventually(() => laptop.list().count()).toBe(1);
      expect(await tokensIn(page)).toHaveLength(1);

      await phone.login();
      await laptop.press('Log out everywhere');
      await laptop.sees('Logged out on all devices.');
      await phone.sees(/^ended after \d+ messages?$/);
      await phone.sees('Signed out');
      await records(page).getByText('No sessions: log in on a device.').waitFor();
      await events(page).getByText('destroyed').first().waitFor();
      expect(await tokensIn(page)).toEqual([]);
    });

    test('a wrong password does not log in, and an outage of the store does not log out', async () => {
      const { page } = await bench().open();
      await page.getByRole('radio', { name: protocol }).check();
      const { laptop } = devicesOf(page);
      const password = laptop.root.getByRole('textbox', { name: 'Password' });
      await password.fill('wrong');
      await laptop.press('Log in');
      await laptop.sees('wrong name or password');
      await laptop.sees('Signed out');
      await password.fill('lovelace');
      await laptop.login();

      const outage = page.getByRole('checkbox', { name: 'Take the store away' });
      await outage.check();
      await page.getByRole('status').getByText('The store is away').waitFor();
      await laptop.press('Count');
      await laptop.sees('The store is away (503). All users stay logged in.');
      await laptop.press('Rotate, lose the answer');
      await eventually(async () => (await laptop.log())[0]).toMatch(/The store is away/);
      await events(page).getByText('store-error').first().waitFor();
      await page.reload();
      await laptop.sees('refused');
      await laptop.sees('Signed in');
      await outage.uncheck();
      await laptop.sees('Signed in as ada');
      await laptop.press('Count');
      await laptop.sees('Counted to 1.');
      await laptop.sees(/^\d+ messages?$/);
    });
  });

  test('the page has no other buttons', async () => {
    const { page } = await bench().open();
    await logInBoth(page);
    const names: (string | null)[] = await page
      .locator('button')
      .evaluateAll((buttons) => buttons.map(({ textContent }) => textContent));
    const known = [
      'Count',
      '20 at once',
      'Rotate',
      'Rotate, lose the answer',
      'Show the recovery code',
      'Confirm',
      'Cancel',
    ];
    const all = new Set([...known, 'Log in', 'Log out', 'Log out everywhere', 'End']);
    expect(new Set(names.map((name) => name?.replace(/ the session of .*/, '')))).toEqual(all);
  });

  test('tabs of one browser count concurrently, lose no count, and log out together', async () => {
    const { context, page } = await bench().open();
    const { laptop } = await logInBoth(page);
    const [other] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: /^Same devices in another tab/ }).click(),
    ]);
    const there = devicesOf(other);
    await there.laptop.sees('Signed in as ada');
    await Promise.all([laptop.press('20 at once'), there.laptop.press('20 at once')]);
    await eventually(() => Promise.all([laptop.count(), there.laptop.count()])).toEqual([40, 40]);
    await there.laptop.press('Rotate');
    await there.laptop.sees('Rotated.');
    await eventually(() => laptop.token()).toBe(await there.laptop.token());
    await there.laptop.press('Log out');
    await laptop.sees('Signed out');
    expect(await there.phone.token()).toMatch(/^ts_/);
  });

  test('another protocol continues with the same sessions', async () => {
    const { page } = await bench().open();
    const { laptop } = await logInBoth(page);
    await laptop.press('Count');
    await laptop.sees('Counted to 1.');
    const token = await laptop.token();
    await page.getByRole('radio', { name: 'GraphQL' }).check();
    await laptop.press('Count');
    await laptop.sees('Counted to 2.');
    await laptop.sees(/^\d+ messages?$/);
    await page.reload();
    expect(await page.getByRole('radio', { name: 'GraphQL' }).isChecked()).toBe(true);
    await laptop.sees('Signed in as ada');
    expect(await laptop.token()).toBe(token);
    expect(await laptop.count()).toBe(2);
  });

  test('the records show the hash of each token, and no token', async () => {
    const { page } = await bench().open();
    const frames: string[] = [];
    page.on('websocket', (socket) => {
      if (socket.url().endsWith('/observer'))
        socket.on('framereceived', ({ payload }) => frames.push(String(payload)));
    });
    await page.reload();
    const { laptop } = await logInBoth(page);
    await laptop.press('Rotate');
    await laptop.sees('Rotated.');
    await laptop.press('Count');
    await laptop.sees('Counted to 1.');
    const tokens = await tokensIn(page);
    expect(tokens).toHaveLength(2);
    for (const secret of tokens.map((token) => token.split('.')[1] ?? '')) {
      await records(page).getByText(createHash('sha256').update(secret).digest('base64url')).waitFor();
      expect(await page.content()).not.toContain(secret);
      expect(frames.join()).not.toContain(secret);
    }
    expect(frames.length).toBeGreaterThan(3);
  });

  test('the page links to GraphiQL', async () => {
    const { page } = await bench().open();
    const path = await page.getByRole('link', { name: /^GraphiQL/ }).getAttribute('href');
    const response = await fetch(bench().url + path, { headers: { accept: 'text/html' } });
    expect(await response.text()).toContain('<title>token-sessions</title>');
  });
});
