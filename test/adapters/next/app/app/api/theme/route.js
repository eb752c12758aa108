import { requireSession } from 'token-sessions';
import { route } from '../../../sessions.js';

export const POST = route(async (context, request) => {
  requireSession(context).data.theme = (await request.json()).theme;
  return new Response(null, { status: 204 });
});
