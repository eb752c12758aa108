import { NextResponse } from 'next/server.js';
import { sessions } from './sessions.js';

export async function proxy(request) {
  const { session } = await sessions.fromRequest(request);
  const response = NextResponse.next();
  response.headers.set('x-proxy-user', session?.data.userId ?? 'nobody');
  return response;
}

export const config = { matcher: '/api/me' };
