// Prints `N passed, N failed` from the test runner's JSON report. A step that failed counts as one
// failure, so that no red run says `0 failed`. A run whose tests left no report, or had no test, is
// a failure too. A run that was to have no tests counts its steps.
import { readFileSync } from 'node:fs';

const [, , runSteps, failedSteps, report] = process.argv;
const { passed, failed, skipped } = report ? countTests(report) : countSteps();
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;

function countSteps() {
  const failed = Number(failedSteps);
  return { passed: Number(runSteps) - failed, failed, skipped: 0 };
}

function countTests(path) {
  const tests = readReport(path);
  return { ...tests, failed: Math.max(tests.failed, Number(failedSteps), tests.passed === 0 ? 1 : 0) };
}

function readReport(path) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(path, 'utf8'),
    );
    // A file that cannot be loaded, or whose set-up fails, fails without a failed test.
    const brokenFiles = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(isFailed),
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests + brokenFiles.length,
      skipped: numPendingTests + numTodoTests,
    };
  } catch (error) {
    console.error(`The tests left no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function isFailed({ status }) {
  return status === 'failed';
}
