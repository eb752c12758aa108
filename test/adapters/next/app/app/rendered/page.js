import { login } from '../actions.js';

export const dynamic = 'force-dynamic';

/** A component that calls an action while it is rendered. */
export default async function Page() {
  const form = new FormData();
  form.set('name', 'eve');
  const message = await login(form).catch((error) => error.message);
  return <p id="message">{message}</p>;
}
