// A reporter of the test runner. Writes to the file REMARKS what failed, and which tests passed only
// when they were tried again. `.ci/run` prints it at its end, where a reader looks first.
import { writeFileSync } from 'node:fs';

/** Characters of a message: the last lines must stay few. */
const LONGEST_MESSAGE = 600;

export default class Remarks {
  onTestRunEnd(files, unhandledErrors) {
    const remarks = [...files.flatMap(ofFile), ...ofErrors('not handled', unhandledErrors)];
    if (process.env.REMARKS) writeFileSync(process.env.REMARKS, remarks.map((remark) => `${remark}\n`).join(''));
  }
}

function ofFile(file) {
  const path = file.relativeModuleId;
  return [
    ...ofErrors(`failed to load: ${path}`, file.errors()),
    ...[...file.children.allSuites()].flatMap((suite) =>
      ofErrors(`failed: ${path} > ${suite.fullName}`, suite.errors()),
    ),
    ...[...file.children.allTests()].flatMap((test) => ofTest(`${path} > ${test.fullName}`, test)),
  ];
}

function ofTest(name, test) {
  const { state, errors } = test.result();
  if (state === 'failed') return ofErrors(`failed: ${name}`, errors);
  return test.diagnostic()?.flaky ? [`passed when tried again: ${name}`, ...ofErrors('  before', errors ?? [])] : [];
}

function ofErrors(title, errors) {
  const remarks = errors.map(({ message, stacks }) => {
    const place = stacks?.[0] ? ` (${stacks[0].file}:${stacks[0].line})` : '';
    return `${title}: ${String(message).slice(0, LONGEST_MESSAGE)}${place}`;
  });
  // Each try of a test has its error, and most are alike.
  return [...new Set(remarks)];
}
