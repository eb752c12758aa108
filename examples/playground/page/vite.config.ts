import { defineConfig } from 'vite';

export default defineConfig({
  // `token-sessions/client` is this repository's own: an application installs it and needs no line
  // here.
  resolve: { tsconfigPaths: true },
  build: { target: 'es2022', modulePreload: false, sourcemap: true, assetsInlineLimit: 0 },
});
