import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A separate file system in memory that can be full. */
export interface SmallDisk {
  readonly path: string;
  /** Fills the disk. */
  fill(): void;
  /** Makes room again. */
  empty(): void;
  release(): void;
}

/** Returns `undefined`, with a line on the console, if this process may not mount one. */
export function smallDisk(megabytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const filler = join(path, 'filler');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=777`, 'none', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    if (process.env['REQUIRE_SERVICES'] === '1')
      console.warn('left out: tests of a full disk, as no file system may be mounted here');
    return undefined;
  }
  return {
    path,
    fill: () => fill(filler),
    empty: () => rmSync(filler, { force: true }),
    release() {
      // Unmount lazily: a killed process may still hold it.
      execFileSync('umount', ['--lazy', path]);
      rmSync(path, { recursive: true });
    },
  };
}

function fill(path: string): void {
  const file = openSync(path, 'a');
  // Take the rest in ever smaller pieces.
  for (let size = 2 ** 16; size >= 1; ) {
    try {
      if (writeSync(file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}
