const TOKEN = /ts_([0-9a-f]{8})[0-9a-f-]{28}\.[\w-]{39}([\w-]{4})/g;
const LONGEST_LINE = 150;

/** Tokens are credentials, so a transcript shows only their beginning and end. */
function shorten(text: string): string {
  const short = text.replace(TOKEN, 'ts_$1…$2');
  return short.length > LONGEST_LINE ? `${short.slice(0, LONGEST_LINE)}…` : short;
}

/** Prints the demo's output, and checks the results. */
export interface Transcript {
  /** A `fetch` that prints each request and its answer, unless `quiet` is set. */
  readonly fetch: typeof fetch;
  quiet: boolean;
  /** The number of HTTP requests so far. */
  readonly requests: number;
  /** A numbered heading. */
  step(title: string): void;
  note(text: string): void;
  /** @throws if it does not hold, which ends the demo */
  check(expectation: string, holds: boolean): void;
}

export function createTranscript(print: (line: string) => void): Transcript {
  let steps = 0;
  let requests = 0;
  const transcript: Transcript = {
    quiet: false,
    get requests() {
      return requests;
    },
    async fetch(input, init) {
      requests += 1;
      const show = transcript.quiet ? () => {} : (line: string) => print(`   ${shorten(line)}`);
      describeRequest(input, init).forEach(show);
      const response = await fetch(input, init);
      show(`< ${response.status} ${(await response.clone().text()).replaceAll('\n', ' ')}`);
      return response;
    },
    step(title) {
      steps += 1;
      print(`\n${steps}. ${title}`);
    },
    note: (text) => print(`   ${text}`),
    check(expectation, holds) {
      print(`   ${holds ? '✓' : '✗'} ${expectation}`);
      if (!holds) throw new Error(`not as expected: ${expectation}`);
    },
  };
  return transcript;
}

function describeRequest(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): string[] {
  const { pathname, search } = new URL(input instanceof Request ? input.url : input);
  const authorization = new Headers(init?.headers).get('authorization');
  const request = `> ${init?.method ?? 'GET'} ${pathname}${decodeURIComponent(search)} ${init?.body ?? ''}`;
  return [request, ...(authorization ? [`    Authorization: ${authorization}`] : [])];
}
