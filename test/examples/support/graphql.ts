/** Sends operations to an example over HTTP, with a token if there is one. */
export function graphqlAt(url: string) {
  return async (query: string, token?: string) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query }),
    });
    const body: { data?: Record<string, unknown>; errors?: unknown } = JSON.parse(await response.text());
    const header = (name: string) => response.headers.get(name);
    return { status: response.status, cache: header('cache-control'), challenge: header('www-authenticate'), ...body };
  };
}
