import { redirect } from 'next/navigation.js';
import { route } from '../../../sessions.js';

/** As the callback of an OAuth provider: a link that logs in, and redirects. */
export const GET = route(async ({ sessions }, request) => {
  await sessions.create({ userId: request.nextUrl.searchParams.get('name'), theme: 'light' });
  redirect('/');
});
