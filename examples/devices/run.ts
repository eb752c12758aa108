import { createServer } from 'node:http';
import { createTRPCClient, httpLink } from '@trpc/client';
import { memoryStore } from 'token-sessions';
import { codeOf, graphql } from '../demo/clients.js';
import { createTranscript } from '../demo/transcript.js';
import { graphqlHandler } from './graphql.js';
import { openSessions } from './sessions.js';
import { type DeviceRouter, trpcHandler } from './trpc.js';

/** Starts the server and uses it from several devices. Returns whether all was as expected. */
export async function runDevices(print: (line: string) => void): Promise<boolean> {
  const sessions = openSessions(memoryStore());
  const [trpc, yoga] = [trpcHandler(sessions), graphqlHandler(sessions)];
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/trpc/')) trpc(request, response);
    else void yoga(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  try {
    await story(`http://localhost:${typeof address === 'object' && address ? address.port : 0}`, print);
    return true;
  } catch (error) {
    print(`The example failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function story(url: string, print: (line: string) => void): Promise<void> {
  const { step, check, fetch } = createTranscript(print);
  const as = (token: string | null) => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    return createTRPCClient<DeviceRouter>({
      links: [
        httpLink({
          url: `${url}/trpc`,
          headers,
          fetch: (input, init) => fetch(input, { ...init, signal: init?.signal ?? null }),
        }),
      ],
    });
  };
  const login = (device: string, userId = 'ada') => as(null).login.mutate({ userId, device });
  const ask = (token: string, query: string) => graphql(url, token, fetch, query);

  step('Ada logs in on three devices, Bob on one');
  const phone = await login('phone');
  let laptop = await login('laptop');
  const tablet = await login('tablet');
  const bob = await login('desktop', 'bob');

  step('The laptop lists them');
  const devices = await as(laptop).devices.query();
  check('they are hers, not Bob’s', devices.map((each) => each.device).join() === 'phone,laptop,tablet');
  check('the laptop is the current one', devices.find((each) => each.isCurrent)?.device === 'laptop');

  step('The laptop ends the session of the tablet, and tries to end Bob’s');
  const [bobs] = await as(bob).devices.query();
  check('the session of the tablet has ended', await as(laptop).endDevice.mutate(devices[2]?.id ?? ''));
  check('Bob’s session counts as unknown', !(await as(laptop).endDevice.mutate(bobs?.id ?? '')));
  check('the tablet’s token is refused', (await codeOf(as(tablet).devices.query())) === 'UNAUTHORIZED');
  check('Bob’s token works', (await as(bob).devices.query()).length === 1);

  step('Two more logins: a fourth device ends the oldest');
  await login('watch');
  await login('car');
  check('the session of the phone has ended', (await codeOf(as(phone).devices.query())) === 'UNAUTHORIZED');

  step('A change of the email address requires a password that was entered in the last five minutes');
  check(
    'the password of the login is recent enough',
    (await as(laptop).changeEmail.mutate('ada@example.com')) === 'ada@example.com',
  );
  laptop = await as(laptop).confirmPassword.mutate('correct horse');
  const email = await ask(laptop, 'mutation { changeEmail(email: "ada@example.org") }');
  check('a confirmed password works too, over GraphQL as well', email.data?.['changeEmail'] === 'ada@example.org');

  step('The laptop ends all other sessions over GraphQL');
  const ended = await ask(laptop, 'mutation { endOtherDevices }');
  check('two sessions have ended', ended.data?.['endOtherDevices'] === 2);
  const left = await ask(laptop, '{ devices { name isCurrent } }');
  check(
    'the laptop is the only one left',
    JSON.stringify(left.data) === '{"devices":[{"name":"laptop","isCurrent":true}]}',
  );
}
