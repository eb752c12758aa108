import { deepStrictEqual, match, ok } from 'node:assert';
import { once } from 'node:events';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';

/** Each step says what it expects. */
export type Step<Client> = readonly [title: string, run: (client: Client) => Promise<void>];

/** A browser without scripts: it keeps one cookie, and posts forms. */
export class FormBrowser {
  readonly #url: string;
  cookie: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async open(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(this.cookie !== undefined && { cookie: this.cookie }), ...Object(init.headers) };
    const response = await fetch(this.#url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      if (pair.startsWith('session=')) this.cookie = pair === 'session=' ? undefined : pair;
    }
    return response;
  }

  /** The text of an element of a page. */
  async textOf(path: string, id: string): Promise<string | undefined> {
    const html = await (await this.open(path)).text();
    return new RegExp(`id="${id}">([^<]*)<`).exec(html)?.[1];
  }

  /** A page that a link of another site leads to. `fetch` sets these headers itself. */
  async follow(path: string): Promise<string> {
    const fromElsewhere = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const [response] = await once(
      get(this.#url + path, { headers: { ...fromElsewhere, cookie: this.cookie } }),
      'response',
    );
    return text(response);
  }

  /** Posts a form of the front page, with its hidden fields. */
  async submit(id: string, fields: Record<string, string> = {}): Promise<Response> {
    const html = await (await this.open('/')).text();
    const form = new RegExp(`<form[^>]*id="${id}"[^>]*>(.*?)</form>`, 's').exec(html)?.[1] ?? '';
    const body = new FormData();
    for (const [, name = ''] of form.matchAll(/type="hidden" name="([^"]*)"/g)) body.set(name, '');
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return this.open('/', { method: 'POST', body, headers: { origin: this.#url } });
  }
}

async function findsOf(browser: FormBrowser): Promise<number> {
  return (await (await browser.open('/api/store')).json()).finds;
}

/** The steps of a browser without scripts. */
export const STEPS: readonly Step<FormBrowser>[] = [
  [
    'an anonymous page asks the store for nothing',
    async (browser) => {
      const before = await findsOf(browser);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'nobody');
      deepStrictEqual(await findsOf(browser), before);
    },
  ],
  [
    'an action logs in, redirects and sets the cookie',
    async (browser) => {
      const answer = await browser.submit('login', { name: 'ada' });
      deepStrictEqual([answer.status, answer.headers.get('location')], [303, '/']);
      match(browser.cookie ?? '', /^session=ts_/);
    },
  ],
  [
    'a render of layout, page and metadata makes one load',
    async (browser) => {
      const before = await findsOf(browser);
      const html = await (await browser.open('/')).text();
      match(html, /<title>ada<\/title>/);
      match(html, /id="layout">ada</);
      deepStrictEqual((await findsOf(browser)) - before, 1);
    },
  ],
  [
    'a link of another site finds its user logged in',
    async (browser) => {
      match(await browser.follow('/'), /id="layout">ada</);
    },
  ],
  [
    'an action saves, and one that fails does not',
    async (browser) => {
      await browser.submit('theme-form', { theme: 'dark' });
      deepStrictEqual(await browser.textOf('/', 'theme'), 'dark');
      deepStrictEqual((await browser.submit('fail')).status, 500);
      deepStrictEqual(await browser.textOf('/', 'theme'), 'dark');
    },
  ],
  [
    'a server-side caller of tRPC saves in its action',
    async (browser) => {
      await browser.submit('caller');
      deepStrictEqual(await browser.textOf('/', 'theme'), 'caller');
    },
  ],
  [
    'routes read and save, and proxy.ts reads',
    async (browser) => {
      const me = await browser.open('/api/me');
      deepStrictEqual([await me.json(), me.headers.get('x-proxy-user')], [{ userId: 'ada', theme: 'caller' }, 'ada']);
      deepStrictEqual((await browser.open('/api/theme', { method: 'POST', body: '{"theme":"blue"}' })).status, 204);
      deepStrictEqual((await (await browser.open('/api/me')).json()).theme, 'blue');
    },
  ],
  [
    'tRPC has the session in a route',
    async (browser) => {
      deepStrictEqual(await (await browser.open('/api/trpc/me')).json(), { result: { data: 'ada' } });
    },
  ],
  [
    'a component that logs in during a render gets an error with the remedy',
    async (browser) => {
      const message = await browser.textOf('/rendered', 'message');
      match(message ?? '', /route\(\) or action\(\)/);
    },
  ],
  [
    'a logout ends the live stream, and the next page is anonymous',
    async (browser) => {
      const live = await browser.open('/live');
      await browser.submit('logout');
      deepStrictEqual(await live.text(), 'data: open\n\ndata: ended\n\n');
      deepStrictEqual(browser.cookie, undefined);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'nobody');
    },
  ],
  [
    'a refusal of a route is a problem',
    async (browser) => {
      const refused = await browser.open('/api/me');
      deepStrictEqual([refused.status, (await refused.json()).code], [401, 'UNAUTHENTICATED']);
    },
  ],
  [
    'a route that redirects after a login sets the cookie',
    async (browser) => {
      const answer = await browser.open('/api/login?name=bob');
      ok([302, 303, 307].includes(answer.status), `status ${answer.status}`);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'bob');
    },
  ],
];
