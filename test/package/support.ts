import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { installPacked, type Packed, pack } from '../../scripts/packed.js';

const run = promisify(execFile);

/** The package as npm packs it, and a project in which it is installed. */
export interface InstalledPackage {
  readonly packed: Packed;
  readonly project: string;
  /** Runs a module in the project, in plain node, and answers what it prints. */
  readonly node: (code: string, type?: 'module' | 'commonjs') => Promise<string>;
}

/** Packs and installs the package before the tests of a file, and removes it after them. */
export function installedPackage(): InstalledPackage {
  let dir: string;
  let packed: Packed;
  const projectIn = () => join(dir, 'project');
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'token-sessions-package-'));
    packed = await pack(dir);
    await installPacked(projectIn(), packed);
  }, 60_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return {
    get packed() {
      return packed;
    },
    get project() {
      return projectIn();
    },
    async node(code, type = 'module') {
      const { stdout, stderr } = await run(process.execPath, [`--input-type=${type}`, '-e', code], {
        cwd: projectIn(),
      });
      expect(stderr).toBe('');
      return stdout.trim();
    },
  };
}
