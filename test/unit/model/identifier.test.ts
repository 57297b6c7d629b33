import { describe, expect, it } from 'vitest';
import { parseModelIdentifier } from '../../../src/model/identifier.ts';

describe('parseModelIdentifier', () => {
  it.each(['mistralai/Mistral-7B-Instruct-v0.3', 'a/b', 'Qwen/Qwen2.5-0.5B', 'org_1/x_y.z-1'])(
    'takes %s',
    (id) => {
      const { identifier } = parseModelIdentifier(id);
      expect(identifier?.id).toBe(id);
      expect(`${identifier?.organisation}/${identifier?.name}`).toBe(id);
    },
  );

  it('drops blanks around the id', () => {
    expect(parseModelIdentifier(' a/b\n').identifier?.id).toBe('a/b');
  });

  it.each([
    ['', 'empty'],
    ['gpt2', 'exactly one slash'],
    ['a/b/c', 'exactly one slash'],
    ['/b', 'both sides'],
    ['a/', 'both sides'],
    ['https://huggingface.co/a/b', 'not an address'],
    ['../etc', '".."'],
    ['a/b..c', '".."'],
    ['a/b--c', '"--"'],
    ['-a/b', 'start or end'],
    ['a/b.', 'start or end'],
    ['a/b c', 'only letters'],
    ['a/b\u0000', 'only letters'],
    ['a/ü', 'only letters'],
    ['a/b.git', '".git"'],
    [`a/${'x'.repeat(97)}`, '96'],
  ])('refuses %j and names the rule', (text, rule) => {
    const { finding } = parseModelIdentifier(text);
    expect(finding?.code).toBe('model_id_invalid');
    expect(finding?.detail).toContain(rule);
    expect(finding?.detail).toContain(JSON.stringify(text.trim()).slice(0, 50));
  });

  it('takes a name of exactly 96 characters', () => {
    expect(parseModelIdentifier(`a/${'x'.repeat(96)}`).identifier).toBeDefined();
  });
});
