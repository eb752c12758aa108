declare module 'cloudflare:workers' {
  /** The bindings of the Worker. */
  export const env: { readonly DB: import('token-sessions/sqlite').D1 };
}
