'use strict';
// Old syntax on purpose: this file must still run on the Node that it turns away.
var want = 24;
if (Number(process.versions.node.split('.')[0]) < want) {
  console.error(
    'Tearline runs on Node ' +
      want +
      ' or newer, this command on ' +
      process.version +
      '. Run: npm install --include=optional\n' +
      'Where there is no package node-' +
      process.platform +
      '-' +
      process.arch +
      ', install Node ' +
      want +
      ' yourself.',
  );
  process.exit(1);
}
