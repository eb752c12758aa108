'use server';
import { revalidatePath } from 'next/cache.js';
import { redirect } from 'next/navigation.js';
import { requireSession } from 'token-sessions';
import { action } from '../sessions.js';
import { router } from '../trpc.js';

export const login = action(async ({ sessions }, form) => {
  await sessions.create({ userId: String(form.get('name')), theme: 'light' });
  redirect('/');
});

export const setTheme = action(async (context, form) => {
  requireSession(context).data.theme = String(form.get('theme'));
  // Saved before the page is rendered again.
  revalidatePath('/');
});

export const failAfterChange = action(async (context) => {
  requireSession(context).data.theme = 'failed';
  throw new Error('refused by the application');
});

/** A server-side caller of tRPC, whose change is saved. */
export const whoAmI = action(async (context) => {
  await router.createCaller(context).rename('caller');
});

export const logout = action(async ({ session }) => {
  await session?.destroy();
});
