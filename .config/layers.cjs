// The rooms of src/ and what each may import (dependency-cruiser; `npm run layers`).
// Two towers meet only in results/: one computes, one reports. A room imports from rooms below it in its own tower
// and from the ground; rooms on one floor do not import each other.
const ground = [['base'], ['results']];
const compute = [
  ['volume', 'backends'],
  ['datasets', 'sampling'],
  ['metrics', 'nn'],
  ['models', 'losses'],
  ['memory'],
  ['inference'],
  ['training'],
  ['profilers'],
  ['experiments'],
];
const report = [['claims', 'plots'], ['publish']];
const top = [['engines', 'kernel'], ['reproduce'], ['cli']];

function floors(tower, below) {
  const rules = [];
  let under = [...below];
  for (const floor of tower) {
    for (const room of floor) {
      rules.push({
        name: `${room}-imports-only-from-below`,
        severity: 'error',
        from: { path: `^src/${room}/` },
        to: { path: '^src/', pathNot: [room, ...under].map((r) => `^src/${r}/`) },
      });
    }
    under = [...under, ...floor];
  }
  return rules;
}
const all = (tower) => tower.flat();

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/index.ts$', '[.]d[.]ts$'] },
      to: {},
    },
    ...floors(ground, []),
    ...floors(compute, all(ground)),
    ...floors(report, all(ground)),
    ...floors(top, [...all(ground), ...all(compute), ...all(report)]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
