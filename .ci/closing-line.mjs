// Prints `N passed, N failed` from the test runner's JSON report. A step that failed counts as one failure, so that no red run says
// `0 failed`; a run without a report, or without a test, is a failure too.
import { readFileSync } from 'node:fs';

const [, , report, failedSteps] = process.argv;
const tests = readReport(report);
const failed = Math.max(tests.failed, Number(failedSteps), tests.passed === 0 ? 1 : 0);
const skipped = tests.skipped > 0 ? `, ${tests.skipped} skipped` : '';
console.log(`\n${tests.passed} passed, ${failed} failed${skipped}`);
process.exitCode = failed > 0 ? 1 : 0;

function readReport(path) {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numPendingTests, numTodoTests } = JSON.parse(readFileSync(path, 'utf8'));
    // A file that cannot be loaded is a failed suite without a failed test.
    return { passed: numPassedTests, failed: Math.max(numFailedTests, numFailedTestSuites), skipped: numPendingTests + numTodoTests };
  } catch (error) {
    console.error(`The tests left no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
