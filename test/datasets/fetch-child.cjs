// A process of its own that fetches a manifest given as JSON and reports to its parent.
const { fetchFiles } = require('../../dist/datasets/fetch');

fetchFiles(JSON.parse(process.argv[2]), {}, { patience: { stall: 2 } }).then((report) =>
  process.send?.(report),
);
