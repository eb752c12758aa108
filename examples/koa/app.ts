import Koa, { type Context, type Next } from 'koa';
import { cookie, createSessions, requireSession, type SessionContextOf } from 'token-sessions';

const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

type State = SessionContextOf<typeof sessions>;

/**
 * Puts `session` and `sessions` on `ctx.state`. The status of the answer decides what is saved.
 */
async function koaSessions(ctx: Context, next: Next): Promise<void> {
  const headers = Object.entries(ctx.headers).map(([name, value]): [string, string] => [name, String(value)]);
  const request = new Request(ctx.href, { method: ctx.method, headers });
  const answer = await sessions.handle(request, async (context) => {
    Object.assign(ctx.state, context);
    await next();
    return new Response(null, { status: ctx.status });
  });
  for (const [name, value] of answer.headers) ctx.append(name, value);
  if (!answer.body) return;
  // An error of the library.
  ctx.status = answer.status;
  ctx.body = await answer.text();
}

/** The server: `app.listen(3000)`. */
export const app = new Koa<State>();

app.use(koaSessions);
app.use(async (ctx) => {
  const [, verb, name = ''] = ctx.path.split('/');
  // A real login checks a password here.
  if (verb === 'login') await ctx.state.sessions.create({ userId: 'ada', theme: 'light' });
  else if (verb === 'theme') requireSession(ctx.state).data.theme = name;
  else if (verb === 'logout') await ctx.state.session?.destroy();
  if (verb === 'me') ctx.body = requireSession(ctx.state).data;
  else ctx.status = 204;
});
