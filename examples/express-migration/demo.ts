import session from 'express-token-session';
import { memoryStore } from 'token-sessions';
import { runMigration } from './run.js';

const asExpected = await runMigration(new session.MemoryStore(), memoryStore(), console.log);
if (!asExpected) process.exitCode = 1;
