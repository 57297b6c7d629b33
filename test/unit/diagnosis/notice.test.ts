import { describe, expect, it } from 'vitest';
import { readLogLine } from '../../../src/diagnosis/log-line.ts';
import { createNoticeReader } from '../../../src/diagnosis/notice.ts';

function levels(lines: readonly string[], inMessage = false): (string | null)[] {
  const reader = createNoticeReader();
  return lines.map((line) => reader.read(readLogLine(line), inMessage).level);
}

describe('warnings printed without a logger', () => {
  it('are those that use the words of a notice', () => {
    expect(
      levels([
        '`torch_dtype` is deprecated! Use `dtype` instead!',
        'Running on 1 GPU',
        'libx: Warning: no driver',
      ]),
    ).toEqual(['warning', null, 'warning']);
  });

  it('have the lines that follow them, up to the source line that Python shows', () => {
    expect(
      levels([
        '/usr/lib/python3/x.py:8: RuntimeWarning: Failed to read commit hash:',
        "No module named 'vllm._version'",
        '  from .version import __version__',
        "No module named 'vllm._version'",
      ]),
    ).toEqual(['warning', 'warning', 'warning', null]);
  });

  it('end where something else begins', () => {
    expect(
      levels([
        '/usr/lib/python3/x.py:8: UserWarning: old',
        'vllm serve: error: unrecognized arguments: --x',
        'and its next line',
      ]),
    ).toEqual(['warning', null, null]);
  });

  it('are not the lines of an error that is being told, nor those with a level', () => {
    expect(levels(['the option is deprecated'], true)).toEqual([null]);
    expect(levels(['ERROR 01-02 03:04:05 [core.py:1] the option is deprecated'])).toEqual(['error']);
  });
});
