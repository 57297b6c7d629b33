import { readFile } from 'node:fs/promises';

/**
 * Prints `PASSED FAILED` of one run of vitest: count-tests.ts REPORT.json EXIT-STATUS.
 * A file without a single result (it did not load, its preparation failed) is one failure, and so is a run that failed without a failed test.
 */
interface Report {
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const [path = '', status = '1'] = process.argv.slice(2);

async function readReport(): Promise<Report> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Report;
  } catch {
    return { testResults: [] };
  }
}

const files = (await readReport()).testResults;
const results = files.flatMap((file) => file.assertionResults);
const passed = results.filter((result) => result.status === 'passed').length;
const failedTests = results.filter((result) => result.status === 'failed').length;
const failedFiles = files.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((result) => result.status === 'failed'),
).length;
const failed = failedTests + failedFiles;
console.log(passed, failed === 0 && status !== '0' ? 1 : failed);
