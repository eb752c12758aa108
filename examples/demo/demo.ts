import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from './run.js';
import { openStore } from './store.js';

const directory = mkdtempSync(join(tmpdir(), 'token-sessions-demo-'));
const asExpected = await runDemo(() => openStore(join(directory, 'sessions.db')), console.log);
rmSync(directory, { recursive: true });
if (!asExpected) process.exitCode = 1;
