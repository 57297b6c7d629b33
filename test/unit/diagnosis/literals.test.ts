import { describe, expect, it } from 'vitest';
import { requiredWords } from '../../../src/diagnosis/literals.ts';

describe('the words a pattern needs', () => {
  it.each<[RegExp, string[] | null]>([
    [/out of memory/, ['out of memory']],
    [/^Killed$/, ['killed']],
    [/(?:CUDA|HIP) out of memory/, [' out of memory']],
    [/(?:CUDA error|NCCL error)/, ['cuda error', 'nccl error']],
    [/memory|disk space/, ['memory', 'disk space']],
    [/memory|\d+/, null],
    [/No such files?/, ['no such file']],
    [/(?:not )?found here/, ['found here']],
    [/(?:error ){2,3}/, ['error ']],
    [/(?:error ){0,3}/, null],
    [/\[Errno 98\]/, ['[errno 98]']],
    [/[Aa]ddress already/, ['ddress already']],
    [/(?<name>VLLM_\w+) is odd/, [' is odd']],
    [/(?!healthy)broken|(?<!not )working/, ['broken', 'working']],
    [/a.b.c/, null],
    [/abcd+/, ['abcd']],
    [/abcde*/, ['abcd']],
  ])('of %s are %j', (pattern, words) => {
    expect(requiredWords(pattern)).toEqual(words);
  });
});
