import { getSession } from '../sessions.js';

export async function generateMetadata() {
  return { title: (await getSession())?.data.userId ?? 'nobody' };
}

export default async function Layout({ children }) {
  const session = await getSession();
  return (
    <html lang="en">
      <body>
        <p id="layout">{session?.data.userId ?? 'nobody'}</p>
        {children}
      </body>
    </html>
  );
}
