import { getSession } from '../sessions.js';
import { failAfterChange, login, logout, setTheme, whoAmI } from './actions.js';

export default async function Page() {
  const session = await getSession();
  return (
    <main>
      <p id="theme">{session?.data.theme ?? 'none'}</p>
      <form id="login" action={login}>
        <input name="name" defaultValue="ada" />
        <button type="submit">log in</button>
      </form>
      <form id="theme-form" action={setTheme}>
        <input name="theme" defaultValue="dark" />
        <button type="submit">theme</button>
      </form>
      <form id="fail" action={failAfterChange}>
        <button type="submit">fail</button>
      </form>
      <form id="caller" action={whoAmI}>
        <button type="submit">caller</button>
      </form>
      <form id="logout" action={logout}>
        <button type="submit">log out</button>
      </form>
    </main>
  );
}
