/**
 * The parts that pages take for granted: the reader's own files, and packages not installed here.
 */
export const SURROUNDINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/client.md': {
    'router.ts': `
      import { initTRPC } from '@trpc/server';
      const t = initTRPC.create();
      const credentials = (value: unknown): { name: string; password: string } => {
        const isObject = typeof value === 'object' && value !== null;
        if (!isObject || !('name' in value) || !('password' in value)) throw new Error('no credentials');
        return { name: String(value.name), password: String(value.password) };
      };
      const router = t.router({
        me: t.procedure.query(() => ({ name: 'ada' })),
        login: t.procedure.input(credentials).mutation(({ input }) => ({ token: input.name })),
        logout: t.procedure.mutation(() => {}),
      });
      export type AppRouter = typeof router;
    `,
    'modules.d.ts': `
      declare module '@urql/vue' {
        export function provideClient(client: { readonly value: import('@urql/core').Client }): void;
      }
      declare module 'vue' {
        export function onScopeDispose(run: () => void): void;
        export function shallowRef<Value>(value: Value): { value: Value };
      }
      declare module 'svelte/store' {
        export function readable<Value>(value: Value, start: (set: (value: Value) => void) => () => void): object;
      }
      declare module 'expo-secure-store' {
        export function getItemAsync(key: string): Promise<string | null>;
        export function setItemAsync(key: string, value: string): Promise<void>;
        export function deleteItemAsync(key: string): Promise<void>;
      }
    `,
  },
  'docs/testing.md': {
    // `npm run runtimes` compiles and runs the recipes with Jest itself.
    'modules.d.ts': `
      declare module '@jest/globals' {
        export { afterEach, expect, test } from 'vitest';
        interface Timers {
          useFakeTimers(options: { readonly advanceTimers: boolean }): void;
          setSystemTime(time: number): void;
          useRealTimers(): void;
          restoreAllMocks(): void;
          spyOn: typeof import('vitest').vi.spyOn;
        }
        export const jest: Timers;
      }
    `,
  },
  'docs/runtimes.md': {
    'modules.d.ts': `
      declare module 'cloudflare:workers' {
        export const env: { readonly DB: import('token-sessions/sqlite').D1 };
      }
    `,
  },
  'docs/MIGRATION.md': {
    'application.d.ts': `
      import type { Express } from 'express';
      import type { CallbackStore } from 'token-sessions/express-store';
      import type { RedisClient } from 'token-sessions/redis';
      declare global {
        const app: Express;
        const client: RedisClient;
        const oldStore: CallbackStore;
      }
    `,
  },
};
