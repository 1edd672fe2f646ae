// A disk on which no result has room: files of that name cannot be opened for writing.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const open = fs.openSync;
fs.openSync = (file, flags, ...rest) => {
  if (/outcome\.json/.test(file) && flags !== 'r')
    throw Object.assign(new Error('ENOSPC: no space left on device, open'), { code: 'ENOSPC' });
  return open(file, flags, ...rest);
};
syncBuiltinESMExports();
