import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { type Result, runChecks } from '../../test/runtimes/suite/check.js';
import { httpChecks } from '../../test/runtimes/suite/http-checks.js';
import { NODE_22, type Runtime, WORKERD } from './list.js';
import { binaryOf, versionOf } from './project.js';

const run = promisify(execFile);

/** Finds the version in the output of a runtime, such as `v22.1.0` or `deno 2.9.6 (…)`. */
const VERSION = /\d+\.\d+\.\d+/;

export interface Outcome {
  readonly version: string;
  readonly results: readonly Result[];
}

/** The suite in a process of the runtime, then its application over HTTP. */
export async function runProcess(project: string, tools: string, runtime: Runtime): Promise<Outcome> {
  const binary = binaryOf(tools, runtime);
  const { stdout: version } = await run(binary, ['--version']);
  const inside = await suiteOf(binary, [...runtime.args, 'suite/hosts/process.js'], project);
  const server = spawn(binary, [...runtime.args, 'suite/hosts/server.js'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = await once(createInterface(server.stdout), 'line');
    const outside = await runChecks(httpChecks(`http://127.0.0.1:${port}`));
    return { version: VERSION.exec(version)?.[0] ?? version, results: [...inside, ...outside] };
  } finally {
    server.kill();
  }
}

/** Runs a program that prints the suite's results. */
export async function suiteOf(
  binary: string,
  args: readonly string[],
  cwd: string,
  env = process.env,
): Promise<Result[]> {
  const { stdout } = await run(binary, args, { cwd, env, maxBuffer: 2 ** 26 });
  // Anything before the results is output of the runtime.
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n[{') + 1));
}

/**
 * Runs the suite in a Worker, bundled as Cloudflare's own tool bundles it. Then asks its
 * application over HTTP.
 */
export async function runWorkerd(project: string, tools: string): Promise<Outcome> {
  const worker = join(project, 'worker.mjs');
  await build({
    entryPoints: [join(project, 'suite/hosts/worker.js')],
    outfile: worker,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    mainFields: ['browser', 'module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    logLevel: 'error',
  });
  const node = binaryOf(tools, NODE_22);
  const driver = join(project, 'suite/hosts/workerd.js');
  const miniflare = createRequire(join(tools, 'package.json')).resolve('miniflare');
  // D1 writes files, and waits for the disk. None of them needs to outlive this run.
  const env = existsSync('/dev/shm') ? { ...process.env, TMPDIR: '/dev/shm' } : process.env;
  const results = await suiteOf(node, [driver, worker, WORKERD.compatibilityDate, miniflare], project, env);
  return { version: await versionOf(tools, 'workerd'), results };
}
