// SPDX-License-Identifier: Apache-2.0
//
// DataScript's half of bench_datalog: takes the orders that answerer.cc takes, and tells the same. The package's folder
// is the argument. A time is the lesser of the clock's and the processor's: what collects garbage on other threads is
// not counted, nor what else the machine does.
'use strict';

const fs = require('fs');
const readline = require('readline');
const datascript = require(process.argv[2]);

const KINDS = {
  one: {':db/index': true},  // Ours has an index of everything.
  many: {':db/cardinality': ':db.cardinality/many', ':db/index': true},
  ref: {':db/valueType': ':db.type/ref'},
  refMany: {':db/valueType': ':db.type/ref', ':db/cardinality': ':db.cardinality/many'},
};
let db = null;

function timed(work) {
  const wall = process.hrtime.bigint();
  const processor = process.cpuUsage();
  const made = work();
  const spent = process.cpuUsage(processor);
  const ms = Math.min(Number(process.hrtime.bigint() - wall) / 1e6, (spent.user + spent.system) / 1e3);
  return [ms, made];
}

function take(file, atOnce) {
  const schema = {};
  const facts = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [entity, attribute, value, kind] = JSON.parse(line);
    schema[attribute] = KINDS[kind];
    facts.push(atOnce ? [entity, attribute, value] : [':db/add', entity, attribute, value]);
  }
  db = null;
  if (global.gc) global.gc();
  const heap = process.memoryUsage().heapUsed;
  const [ms, made] = timed(() => atOnce ? datascript.init_db(facts, schema)
                                        : datascript.db_with(datascript.empty_db(schema), facts));
  db = made;
  if (global.gc) global.gc();
  return {ms, rows: datascript.datoms(db, ':eavt').length, bytes: process.memoryUsage().heapUsed - heap};
}

function ask(order) {
  const inputs = order.rules === '' ? order.inputs : [order.rules, ...order.inputs];
  let rows = null;
  const [ms] = timed(() => {
    for (let i = 0; i < order.times; ++i) rows = datascript.q(order.query, db, ...inputs);
  });
  return {ms: ms / order.times, rows: rows.length};
}

readline.createInterface({input: process.stdin, terminal: false}).on('line', (line) => {
  const verb = line.slice(0, line.indexOf(' '));
  const rest = line.slice(verb.length + 1);
  const said = verb === 'ask' ? ask(JSON.parse(rest)) : take(rest, verb === 'load');
  process.stdout.write(JSON.stringify(said) + '\n');
});
