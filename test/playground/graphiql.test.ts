import { expect, test } from 'vitest';
import { describePlayground, eventually } from './support/bench.js';

describePlayground((bench) => {
  test('GraphiQL works without a network: it loads nothing from other hosts, and logs in', async () => {
    const { context, page } = await bench().open();
    const elsewhere: string[] = [];
    await context.route(
      (url) => url.origin !== new URL(bench().url).origin && url.protocol.startsWith('http'),
      (route) => {
        elsewhere.push(route.request().url());
        return route.abort();
      },
    );
    const failures: string[] = [];
    page.on('pageerror', ({ message }) => failures.push(message));
    await page.goto(`${bench().url}/graphql`);
    await page.getByRole('button', { name: /execute/i }).click();
    await page.getByRole('menuitem', { name: 'Login' }).click();
    await eventually(() => page.locator('.graphiql-response').innerText()).toMatch(/"login":\strue/);
    expect([elsewhere, failures]).toEqual([[], []]);
  });
});
