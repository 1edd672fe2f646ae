import { describe, expect, it } from 'vitest';
import { joinCells } from '../../src/reproduce/cells';

describe('the cells of a notebook as one module', () => {
  it('puts imports first, each name once, and lets cells declare a name again', () => {
    const source = joinCells([
      "import { a, b as c } from '../dist';\nimport d from 'd';\nconst x = a(c);",
      "import { a } from '../dist';\nimport type { T } from 't';\nimport 'side';\nconst x = a(2); // again",
    ]);
    expect(source.split('\n').filter((line) => line.startsWith('import'))).toEqual([
      "import { a } from '../dist';",
      "import { b as c } from '../dist';",
      "import d from 'd';",
      "import { T } from 't';",
      "import 'side';",
    ]);
    expect(source).toContain('const x = a(c);');
    expect(source).toContain('const x = a(2);');
  });
});
