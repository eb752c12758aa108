import { memoryStore } from 'token-sessions';
import { oldStore } from './before.js';
import { runMigration } from './run.js';

const asExpected = await runMigration(oldStore(), memoryStore(), console.log);
if (!asExpected) process.exitCode = 1;
