// SPDX-License-Identifier: Apache-2.0
//
// Answers questions with DataScript, one a line: the other side of what answer.cc does, with the same lines. The
// package's folder is the argument. Rows come as they are, whatever the shape; what fails is an error, and so is what
// takes long: recursion over a handful of facts may take DataScript hours.
'use strict';

const readline = require('readline');
const vm = require('vm');
const datascript = require(process.argv[2]);

const KINDS = {
  many: {':db/cardinality': ':db.cardinality/many'},
  ref: {':db/valueType': ':db.type/ref'},
  refMany: {':db/valueType': ':db.type/ref', ':db/cardinality': ':db.cardinality/many'},
};

const PATIENCE_MS = 1000;

// Dates in JSON as Grid writes them.
const dated = (name, value) => value && typeof value.$timestamp === 'string' ? new Date(value.$timestamp) : value;
Date.prototype.toJSON = function () { return {$timestamp: this.toISOString()}; };

function answer(line) {
  const schema = {};
  for (const [attribute, kind] of Object.entries(line.schema)) schema[attribute] = KINDS[kind];
  const db = datascript.init_db(line.facts, schema);
  const inputs = line.inputs.slice();
  if (line.rules_at >= 0) inputs.splice(line.rules_at, 0, line.rules);
  return {rows: datascript.q(line.query, db, ...inputs)};
}

readline.createInterface({input: process.stdin, terminal: false}).on('line', (text) => {
  let said;
  try {
    globalThis.ask = () => answer(JSON.parse(text, dated));
    said = vm.runInThisContext('ask()', {timeout: PATIENCE_MS});
  } catch (error) {
    said = {error: String(error.message || error)};
  }
  process.stdout.write(JSON.stringify(said) + '\n');
});
