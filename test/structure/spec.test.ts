import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { BROKEN_DESIGNS } from '../traces/broken-designs.ts';

/** protocol/SPEC.md and the tests name each other, and what comments cite exists. */

const root = join(import.meta.dirname, '..', '..');
const spec = readFileSync(join(root, 'protocol', 'SPEC.md'), 'utf8');

/** Files whose tests take the number in their names from a table. */
const NUMBERS_BY_FILE: Readonly<Record<string, readonly string[]>> = {
  'test/traces/traces.test.ts': Object.keys(BROKEN_DESIGNS),
};

type Rule = { readonly id: string; readonly files: readonly string[] | 'planned' | null };

describe('SPEC.md', () => {
  const rules = readRules(spec);
  const ids = new Set(rules.map(({ id }) => id));
  const tags = filesUnder('test', ['.ts']).flatMap((file) => tagsOf(file).map((id) => ({ id, file })));

  test('has every rule once, each with its tests or the word planned', () => {
    expect(rules.length).toBeGreaterThan(100);
    expect(rules.map(({ id }) => id).filter((id, place, all) => all.indexOf(id) !== place)).toEqual([]);
    expect(rules.filter(({ files }) => files === null).map(({ id }) => id)).toEqual([]);
  });

  test('numbers the rules of each letter without a gap', () => {
    const letters = [...new Set([...ids].map((id) => id.charAt(0)))];
    const gaps = letters.flatMap((letter) => {
      const count = [...ids].filter((id) => id.startsWith(letter)).length;
      return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`).filter((id) => !ids.has(id));
    });
    expect(gaps).toEqual([]);
  });

  test('lists for a rule only files in which a test carries its number', () => {
    const listed = rules.flatMap(({ id, files }) => (Array.isArray(files) ? files.map((file) => ({ id, file })) : []));
    expect(listed.filter((one) => !isIn(tags, one)).map(say)).toEqual([]);
  });

  test('lists every test whose name carries a number', () => {
    const listed = rules.flatMap(({ id, files }) => (Array.isArray(files) ? files.map((file) => ({ id, file })) : []));
    expect([...new Set(tags.filter((one) => !isIn(listed, one)).map(say))]).toEqual([]);
  });

  test('mentions no rule that it does not have', () => {
    const mentioned = spec.match(/\b[ACDGWTSBFIJPKZL][0-9]{1,2}\b/g) ?? [];
    expect([...new Set(mentioned.filter((id) => !ids.has(id)))]).toEqual([]);
  });

  test('has every rule that a comment cites', () => {
    const files = ['protocol', 'cloud', 'gateway'].flatMap((folder) => filesUnder(folder, ['.ts', '.js', '.sql']));
    const cited = files.flatMap((file) =>
      citations(readFileSync(join(root, file), 'utf8')).map((id) => ({ id, file })),
    );
    expect(cited.length).toBeGreaterThan(100);
    expect(cited.filter(({ id }) => !ids.has(id)).map(say)).toEqual([]);
  });
});

describe('what the checks would find', () => {
  test('a rule without a last line that says where its tests are', () => {
    expect(
      readRules('**X1** A rule.\n\n**X2** Another.\nTests: test/a.test.ts, test/b.test.ts\n\n**X3** Third.\nplanned\n'),
    ).toEqual([
      { id: 'X1', files: null },
      { id: 'X2', files: ['test/a.test.ts', 'test/b.test.ts'] },
      { id: 'X3', files: 'planned' },
    ]);
  });

  test('numbers in names alone, of tests and of groups, in brackets or at the beginning, with rows and without', () => {
    const source = `
      // [X1] a comment is no test
      describe('a [X2] group', () => {
        it.each([1])('rows of %s [X3, X4]', () => expect('[X5]').toBe('[X5]'));
        test(\`a name with \${value} [X6]\`, () => undefined);
        other('[X7]');
        it('X8: a name that begins with its number', () => undefined);
        describe('X9', () => undefined);
        it('X10 is only mentioned', () => undefined);
      });`;
    expect(tagsIn(source)).toEqual(['X2', 'X3', 'X4', 'X6', 'X8', 'X9']);
  });
});

const say = ({ id, file }: { id: string; file: string }) => `${id}: ${file}`;

function isIn(list: readonly { id: string; file: string }[], one: { id: string; file: string }): boolean {
  return list.some(({ id, file }) => id === one.id && file === one.file);
}

/** A rule is a paragraph that begins with its number; its last line says where its tests are. */
function readRules(markdown: string): Rule[] {
  return markdown.split(/\n\s*\n/).flatMap((paragraph): Rule[] => {
    const id = /^\*\*([A-Z][0-9]+)\*\* /.exec(paragraph.trim())?.[1];
    if (id === undefined) return [];
    const last = paragraph.trim().split('\n').at(-1) ?? '';
    const files = /^Tests: (.+)$/.exec(last)?.[1]?.split(', ') ?? null;
    return [{ id, files: last === 'planned' ? 'planned' : files }];
  });
}

function citations(text: string): string[] {
  return [...text.matchAll(/\[([A-Z][0-9]+(?:, ?[A-Z][0-9]+)*)\]/g)].flatMap((match) => match[1]?.split(/, ?/) ?? []);
}

function tagsOf(file: string): string[] {
  return [...tagsIn(readFileSync(join(root, file), 'utf8')), ...(NUMBERS_BY_FILE[file] ?? [])];
}

/** The numbers in the names that are given to `it`, `test` and `describe`, whatever hangs on these. */
function tagsIn(source: string): string[] {
  const tags: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const name = node.arguments[0];
      if (name !== undefined && isText(name) && /^(it|test|describe)$/.test(rootName(node.expression)))
        tags.push(...citations(name.getText()), ...opening(name.getText()));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest, true));
  return tags;
}

/** `G1` of a name that begins with `G1: `, or is no more than that. */
const opening = (text: string): string[] => /^.([A-Z][0-9]+)(?=:|.$)/.exec(text)?.slice(1) ?? [];

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** `it` of `it.each([…])(…)`. */
function rootName(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) || ts.isTaggedTemplateExpression(node))
    return rootName(ts.isTaggedTemplateExpression(node) ? node.tag : node.expression);
  return '';
}

function filesUnder(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}
