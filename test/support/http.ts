import { createServer, type RequestListener, type Server } from 'node:http';
import { onTestFinished } from 'vitest';

export interface Listening {
  readonly server: Server;
  /** The URL without a path. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A real server on a free port of this machine. */
export async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { server, url: `http://127.0.0.1:${port}`, stop };
}

/** {@link listen}, stopped when the test is finished. */
export async function listenInTest(listener: RequestListener): Promise<Listening> {
  const listening = await listen(listener);
  onTestFinished(() => listening.stop());
  return listening;
}
