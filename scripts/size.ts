import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import manifest from '../package.json' with { type: 'json' };

/**
 * The code that an application with the tRPC adapter loads: both entries with all imports, without
 * the peers.
 */
const ENTRY = `
  export { createSessions } from './src/index.ts';
  export { trpcSessions } from './src/adapters/trpc/index.ts';
`;

/** The code that a browser loads: all of the client. */
const CLIENT_ENTRY = "export * from './src/client/index.ts';";
export const CLIENT_BUDGET = 3_000;

/**
 * The target size in bytes, and the limit for today. A change that raises the limit must say why.
 */
export const TARGET = 22_000;
export const BUDGET = 38_400;

/** The minified and gzipped size in bytes, without the packages in `external`. */
async function bundledSize(external: string[], contents = ENTRY): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('..', import.meta.url).pathname, loader: 'ts' },
    external: [...Object.keys(manifest.peerDependencies), ...external],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}

export function measureClient(contents = CLIENT_ENTRY): Promise<number> {
  return bundledSize([], contents);
}

export async function measure(): Promise<{ total: number; withoutUuid: number }> {
  return { total: await bundledSize([]), withoutUuid: await bundledSize(['uuid']) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { total, withoutUuid } = await measure();
  console.log(
    `core + tRPC adapter, minified and gzipped, peers excluded: ${total} bytes (without uuid: ${withoutUuid})`,
  );
  console.log(`figure to reach: ${TARGET} bytes; limit of this check: ${BUDGET} bytes`);
  const client = await measureClient();
  console.log(`client, minified and gzipped: ${client} bytes; limit of this check: ${CLIENT_BUDGET} bytes`);
  if (total > BUDGET || client > CLIENT_BUDGET) process.exitCode = 1;
}
