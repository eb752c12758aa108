/**
 * A network that can lose an answer: the server has done its work, and the device never hears of
 * it.
 */
export interface Network {
  readonly fetch: typeof fetch;
  /** The token in the answer that was lost last. */
  readonly lost: string | null;
  /** Loses the next answer that brings a token. */
  loseNextToken(): void;
}

export function unreliableNetwork(): Network {
  let isLosing = false;
  let lost: string | null = null;
  return {
    get lost() {
      return lost;
    },
    loseNextToken() {
      isLosing = true;
      lost = null;
    },
    async fetch(input, init) {
      const response = await fetch(input, init);
      const token = response.headers.get('session-token');
      if (!isLosing || !token) return response;
      isLosing = false;
      lost = token;
      throw new TypeError('The answer was lost.');
    },
  };
}
