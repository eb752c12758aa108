import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { describePlayground, devicesOf, eventually, logInBoth } from './support/bench.js';

/* The playground for people who use a keyboard or a screen reader, in light and in dark. */

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The faults that axe finds, with all of its rules. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
  // Ensure that it has run.
  expect(passes.length).toBeGreaterThan(15);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}

/** The focused element: its kind, and its name. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(
    "(({ localName, name, textContent }) => localName + ' ' + (name || textContent))(document.activeElement)",
  );

/** Presses Tab until this element has the focus. */
async function tabTo(page: Page, target: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    if ((await focused(page)) === target) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${target}`);
}

describePlayground((bench) => {
  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    test.each([1440, 390])('axe finds no fault on a page of %d pixels', async (width) => {
      const { page } = await bench().open({ colorScheme, viewport: { width, height: 900 } });
      expect(await findings(page)).toEqual([]);
      const { laptop } = await logInBoth(page);
      await laptop.press('20 at once');
      await laptop.sees('None was lost.');
      await laptop.press('Rotate, lose the answer');
      await laptop.sees(/the same token/);
      expect(await findings(page)).toEqual([]);

      bench().letPass(16_000);
      await laptop.press('Show the recovery code');
      await page.getByRole('dialog').getByRole('textbox').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByText('wrong password').waitFor();
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await laptop.sees('Not without the password.');

      await page.getByRole('checkbox', { name: 'Take the store away' }).check();
      await laptop.press('Count');
      await laptop.sees(/503/);
      expect(await findings(page)).toEqual([]);
      await page.getByRole('checkbox', { name: 'Take the store away' }).uncheck();
      await laptop.press('Log out everywhere');
      await laptop.sees('Logged out on all devices.');
      expect(await findings(page)).toEqual([]);
    });
  });

  test('axe finds a planted fault', async () => {
    const { page } = await bench().open();
    await page.evaluate(
      "document.querySelector('input[name=name]').parentElement.replaceWith(document.createElement('input'))",
    );
    expect(await findings(page)).toEqual([expect.stringContaining('label: ')]);
  });

  test('nothing is wider than the window of a phone', async () => {
    const { page } = await bench().open({ viewport: { width: 360, height: 740 } });
    await logInBoth(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  });

  test('the keyboard alone logs in, counts, confirms the password and logs out', async () => {
    const { page } = await bench().open();
    const { laptop } = devicesOf(page);
    await tabTo(page, 'input name');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('grace');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('hopper');
    await page.keyboard.press('Enter');
    await laptop.sees('Signed in as grace');
    // The focused element is hidden now, so the focus is at the device's beginning.
    expect(await focused(page)).toBe('h2 Laptop');

    await tabTo(page, 'button Count');
    await page.keyboard.press('Space');
    await laptop.sees('Counted to 1.');

    bench().letPass(16_000);
    await tabTo(page, 'button Show the recovery code');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Password for Laptop' }).waitFor();
    expect(await focused(page)).toBe('input password');
    await page.keyboard.type('hopper');
    await page.keyboard.press('Enter');
    await laptop.sees('The recovery code is 4821 0937.');
    expect(await focused(page)).toBe('button Show the recovery code');

    await tabTo(page, 'button Log out');
    await page.keyboard.press('Enter');
    await laptop.sees('Signed out');
    expect(await focused(page)).toBe('h2 Laptop');
  });

  test('the session of another device does not take the focus', async () => {
    const { page } = await bench().open();
    const { laptop, phone } = await logInBoth(page);
    await laptop.root.getByRole('button', { name: 'Count' }).focus();
    const other = await page.context().newPage();
    await other.goto(bench().url);
    await devicesOf(other).phone.press(/^End the session of Phone/);
    await phone.sees('Signed out');
    await eventually(() => laptop.list().count()).toBe(1);
    expect(await focused(page)).toBe('button Count');
  });

  test('the password dialog closes when its session ends', async () => {
    const { page } = await bench().open();
    const { laptop } = await logInBoth(page);
    bench().letPass(16_000);
    await laptop.press('Show the recovery code');
    await page.getByRole('dialog').waitFor();
    const other = await page.context().newPage();
    await other.goto(bench().url);
    await devicesOf(other).phone.press('Log out everywhere');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await laptop.sees('Signed out');
    await laptop.sees('Not without the password.');
  });

  test('live regions show the events', async () => {
    const { page } = await bench().open();
    const { laptop } = await logInBoth(page);
    await page.getByRole('log', { name: 'Log of Laptop' }).getByText('Logged in as ada.').waitFor();
    expect(await laptop.root.getByRole('log').count()).toBe(1);
    expect(await page.getByRole('status').count()).toBe(1);
  });

  test('the colours follow the system, and the switch overrides it', async () => {
    const { page } = await bench().open({ colorScheme: 'dark' });
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await page.getByRole('radio', { name: 'Light' }).check();
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await ground()).toBe(light);
    await page.getByRole('radio', { name: 'Dark' }).check();
    expect(await ground()).toBe(dark);
    await page.reload();
    expect(await ground()).toBe(dark);
    await page.getByRole('radio', { name: 'Auto' }).check();
    expect(await ground()).toBe(light);
  });
});
