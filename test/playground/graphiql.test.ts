import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWithChromium } from '../support/services/chromium.js';
import { type Bench, eventually, openBench } from './support/bench.js';

describeWithChromium('GraphiQL of the playground', { timeout: 60_000 }, () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await openBench();
  }, 60_000);

  afterEach(() => bench.reset());
  afterAll(() => bench?.close());

  test('works without a network: it loads nothing from other hosts, and logs in', async () => {
    const { context, page } = await bench.open();
    const elsewhere: string[] = [];
    await context.route(
      (url) => url.origin !== new URL(bench.url).origin && url.protocol.startsWith('http'),
      (route) => {
        elsewhere.push(route.request().url());
        return route.abort();
      },
    );
    const failures: string[] = [];
    page.on('pageerror', ({ message }) => failures.push(message));
    await page.goto(`${bench.url}/graphql`);
    await page.getByRole('button', { name: /execute/i }).click();
    await page.getByRole('menuitem', { name: 'Login' }).click();
    await eventually(() => page.locator('.graphiql-response').innerText()).toMatch(/"login":\strue/);
    expect([elsewhere, failures]).toEqual([[], []]);
  });
});
