import { describe, expect, it } from 'vitest';
import { readLogLine } from '../../../src/diagnosis/log-line.ts';
import { splitRecords } from '../../../src/diagnosis/records.ts';

function read(line: string) {
  return splitRecords(readLogLine(line)).map(({ process, level, file, text }) => [
    process,
    level,
    file,
    text,
  ]);
}

describe('records inside a line', () => {
  it('are none in a line that is a record', () => {
    expect(read('ERROR 05-12 10:11:12 [core.py:77] it says: INFO 05-12 10:11:12 [x.py:1] y')).toEqual([
      ['', 'error', 'core.py', 'it says: INFO 05-12 10:11:12 [x.py:1] y'],
    ]);
  });

  it('begin behind a bar of progress that has no line feed', () => {
    expect(
      read('Capturing CUDA graphs: 34%| 12/35 (EngineCore pid=8) ERROR 05-12 10:11:12 [core.py:77] failed'),
    ).toEqual([
      ['', null, '', 'Capturing CUDA graphs: 34%| 12/35'],
      ['EngineCore pid=8', 'error', 'core.py', 'failed'],
    ]);
  });

  it('outdo the level of the program that passes them on', () => {
    expect(read('2026-05-12 10:11:12,001 - INFO - vLLM: ERROR 05-12 10:11:12 engine.py:7] failed')).toEqual([
      ['', 'error', 'engine.py', 'failed'],
    ]);
  });

  it('are told apart where the line feeds of a log were lost', () => {
    expect(
      read(
        'ERROR 05-12 10:11:12 [a.py:1] first ERROR 05-12 10:11:12 [a.py:2] second ERROR 05-12 10:11:12 [a.py:3] third',
      ),
    ).toEqual([
      ['', 'error', 'a.py', 'first'],
      ['', 'error', 'a.py', 'second'],
      ['', 'error', 'a.py', 'third'],
    ]);
  });
});
