import { requireSession } from 'token-sessions';
import { route } from '../../sessions.js';

/** Server-sent events that end with the session. */
export const GET = route((context) => {
  const { signal } = requireSession(context);
  const body = new ReadableStream({
    start(controller) {
      const send = (data) => controller.enqueue(new TextEncoder().encode(`data: ${data}\n\n`));
      send('open');
      signal.addEventListener('abort', () => {
        send('ended');
        controller.close();
      });
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
});
