// SPDX-License-Identifier: Apache-2.0
//
// The engine beside SQLite: random rows, random predicates, random orders and pages, with and without indexes, while
// rows change. SQL is given our logic by hand: each test is true or false, within one type.

#include <sqlite3.h>

#include <map>
#include <set>

#include "runtime/query/query_engine.h"
#include "storage/memory/memory_store.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/query/query_bench.h"

namespace grid::test {
namespace {

using crdt::ValueKind;

// A value as both sides write it: its class, our text, SQL's text, and how it is bound.
struct Literal {
  int type = 0;  // As crdt::ValueKind, numbers being integers; 1 is null, 0 absent.
  std::string ours, sql, json;
};

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

Literal number(const std::string& text) {
  return {3, text, text == "-9223372036854775808" ? "(-9223372036854775807-1)" : text, text};
}
Literal text(const std::string& words) {
  std::string json;
  json::append_json_text(json, words);
  return {5, quoted(words), quoted(words), json};
}
Literal truth(bool value) { return {2, value ? "true" : "false", value ? "1" : "0", value ? "true" : "false"}; }
Literal moment(int second) {
  const std::string date = "2026-11-21T02:01:0" + std::to_string(second) + "Z";
  const long long ms = 1'795'226'460'000 + 1'000LL * second;
  return {7, "timestamp '" + date + "'", std::to_string(ms), "{\"$timestamp\":" + std::to_string(ms) + "}"};
}
Literal ref(const std::string& key) { return {8, "ref " + quoted(key), quoted(key), "{\"$ref\":\"" + key + "\"}"}; }
Literal raw(const std::string& hex, const std::string& base64) {
  return {6, "bytes '" + hex + "'", "x'" + hex + "'", "{\"$bytes\":\"" + base64 + "\"}"};
}

const std::vector<Literal>& literals() {
  static const std::vector<Literal> kAll = [] {
    std::vector<Literal> all;
    for (const char* one : {"0", "1", "2", "3", "-1", "7", "9007199254740993", "9223372036854775807",
                            "-9223372036854775808", "0.5", "1.0", "-1.5", "9007199254740992.0", "9.2233720368547758e18",
                            "-9.2233720368547758e18", "1e300", "2.5", "3.0"}) {
      all.push_back(number(one));
    }
    for (const char* one : {"", "a", "b", "ab", "abc", "aab", "Oslo", "os_o", "50%", "it's", "\xc3\xa9t\xc3\xa9",
                            "\xe2\x82\xac", "a long text with a common start 1", "a long text with a common start 2"}) {
      all.push_back(text(one));
    }
    all.insert(all.end(), {truth(false), truth(true), moment(0), moment(1), moment(2), ref("a"), ref("ab"), ref("b"),
                           raw("", ""), raw("00", "AA=="), raw("00ff", "AP8="), raw("ff", "/w==")});
    return all;
  }();
  return kAll;
}

// A field: our path, SQL's column.
struct Place {
  std::string ours, column;
};
const std::vector<Place>& places() {
  static const std::vector<Place> kAll = {
      {"a", "a"}, {"b", "b"}, {"n.x", "nx"}, {"\"odd name\"", "odd"}, {"$key", "k"}};
  return kAll;
}

class Sqlite {
 public:
  Sqlite() {
    assert_int_equal(sqlite3_open(":memory:", &database_), SQLITE_OK);
    std::string columns = "k_t default 5, k_v primary key, tags_t";
    for (const char* name : {"a", "b", "nx", "odd"}) columns += std::string(",") + name + "_t," + name + "_v";
    run("create table r(" + columns + ") without rowid");
    run("create table e(k, t, v)");
    run("pragma case_sensitive_like=on");
  }
  ~Sqlite() { sqlite3_close(database_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void run(const std::string& sql) {
    char* problem = nullptr;
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &problem) != SQLITE_OK) {
      fail_msg("%s: %s", sql.c_str(), problem);
    }
  }
  std::vector<std::string> keys(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      fail_msg("%s: %s", sql.c_str(), sqlite3_errmsg(database_));
    }
    std::vector<std::string> keys;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      keys.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    }
    sqlite3_finalize(statement);
    return keys;
  }

 private:
  sqlite3* database_ = nullptr;
};

// A predicate or an order as both sides write it.
struct Both {
  std::string ours, sql;
};

class World {
 public:
  explicit World(Dice& dice) : dice_(dice) {}

  void write_row() {
    const std::string key = "k" + std::to_string(dice_.below(60));
    sqlite_.run("delete from r where k_v=" + quoted(key));
    sqlite_.run("delete from e where k=" + quoted(key));
    if (dice_.one_in(6)) return append(key, {});
    std::map<std::string, std::string> fields;
    std::string columns = "k_v", values = quoted(key);
    for (const Place& place : places()) {
      if (place.ours == "$key" || dice_.one_in(4)) continue;
      const bool is_null = dice_.one_in(8);
      const Literal& drawn = literal();
      const std::string json = is_null ? "null" : drawn.json;
      fields[place.ours] = json;
      columns += "," + place.column + "_t," + place.column + "_v";
      values += "," + std::to_string(is_null ? 1 : drawn.type) + "," + (is_null ? "null" : drawn.sql);
    }
    std::string row;
    for (const auto& [name, json] : fields) {
      if (name == "n.x") {
        row += (row.empty() ? "" : ",") + std::string("\"n\":{\"x\":") + json + "}";
      } else {
        row += (row.empty() ? "" : ",") + (name[0] == '"' ? name : "\"" + name + "\"") + ":" + json;
      }
    }
    if (dice_.one_in(2)) {
      columns += ",tags_t";
      values += ",9";
      row += (row.empty() ? "" : ",") + std::string("\"tags\":") + tags(key);
    }
    sqlite_.run("insert into r(" + columns + ") values(" + values + ")");
    append(key, canonical("{" + row + "}"));
  }

  Both predicate(int depth) {
    if (depth == 0 || dice_.one_in(3)) return test();
    const Both left = predicate(depth - 1), right = predicate(depth - 1);
    switch (dice_.below(3)) {
      case 0:
        return {"(" + left.ours + ") and (" + right.ours + ")", "(" + left.sql + " and " + right.sql + ")"};
      case 1:
        return {"(" + left.ours + ") or (" + right.ours + ")", "(" + left.sql + " or " + right.sql + ")"};
      default:
        return {"not (" + left.ours + ")", "not " + left.sql};
    }
  }

  Both order() {
    Both both;
    for (std::uint64_t keys = dice_.below(4); keys > 0; --keys) {
      const Place& place = places()[dice_.below(places().size())];
      const bool falls = dice_.one_in(2);
      both.ours += (both.ours.empty() ? "" : ", ") + place.ours + (falls ? " desc" : "");
      both.sql += "coalesce(" + place.column + "_t,0)" + (falls ? " desc," : ",");
      both.sql += place.column + "_v" + (falls ? " desc," : ",");
    }
    both.sql += "k_v";
    return both;
  }

  // All pages of the query, one behind the other.
  std::vector<std::string> ask(const Both& where, const Both& order, std::uint64_t limit) {
    std::vector<std::string> keys;
    std::string cursor;
    for (;;) {
      const std::size_t before = keys.size();
      const runtime::QueryEngine::Visitor visitor{[](void* at, const query::Row& row, const crdt::Op&) {
                                                    static_cast<std::vector<std::string>*>(at)->emplace_back(row.key);
                                                  },
                                                  &keys};
      const Status status =
          engine_.ask({.map = "m", .where = where.ours, .order = order.ours, .limit = limit, .after = cursor}, visitor);
      if (status != Status::ok) fail_msg("%s: %s", where.ours.c_str(), engine_.problem());
      indexed_ += engine_.explanation().way == runtime::Way::index ? 1u : 0u;
      assert_true(limit == 0 || keys.size() - before <= limit);
      cursor = engine_.cursor();
      if (cursor.empty()) return keys;
      assert_int_equal(keys.size() - before, limit);
    }
  }

  runtime::QueryEngine& engine() { return engine_; }
  Sqlite& sqlite() { return sqlite_; }
  std::uint64_t indexed() const { return indexed_; }

 private:
  const Literal& literal() { return literals()[dice_.below(literals().size())]; }
  const Literal& literal_of(int type) {
    for (;;) {
      if (const Literal& drawn = literal(); drawn.type == type) return drawn;
    }
  }

  void append(const std::string& key, const std::string& value) {
    crdt::Op op{.cell = {.name = {"m", key}, .stamp = crdt::Stamp::of(++time_, 0, 1), .value = as_bytes(value)}};
    assert_ok(store_.append(op).status());
    if (dice_.one_in(5)) assert_ok(store_.commit());
    if (dice_.one_in(20)) {
      // A row that leaves without a tombstone, as an eviction does, and comes back.
      op.cell.name.key = "gone";
      op.cell.value = as_bytes(one_);
      assert_ok(store_.append(op).status());
      op.cell.stamp = {};
      op.cell.value = {};
      assert_ok(store_.append(op).status());
    }
  }

  std::string tags(const std::string& key) {
    std::string list = "[";
    for (std::uint64_t count = dice_.below(4); count > 0; --count) {
      const Literal& drawn = literal();
      list += (list.size() > 1 ? "," : "") + drawn.json;
      sqlite_.run("insert into e values(" + quoted(key) + "," + std::to_string(drawn.type) + "," + drawn.sql + ")");
    }
    return list + "]";
  }

  static std::string sql_of(const std::string& condition) { return "coalesce(" + condition + ",0)"; }

  Both comparison(const Place& place) {
    constexpr const char* kSigns[] = {"=", "!=", "<", "<=", ">", ">="};
    const char* sign = kSigns[dice_.below(6)];
    const Literal& value = literal();
    const std::string typed = place.column + "_t=" + std::to_string(value.type) + " and ";
    if (std::string_view(sign) == "!=") {
      return {place.ours + " != " + value.ours, "not " + sql_of("(" + typed + place.column + "_v=" + value.sql + ")")};
    }
    return {place.ours + " " + sign + " " + value.ours,
            sql_of("(" + typed + place.column + "_v " + sign + " " + value.sql + ")")};
  }

  Both between(const Place& place) {
    const Literal& low = literal();
    const Literal& high = literal_of(low.type);
    return {place.ours + " between " + low.ours + " and " + high.ours,
            sql_of("(" + place.column + "_t=" + std::to_string(low.type) + " and " + place.column + "_v between " +
                   low.sql + " and " + high.sql + ")")};
  }

  Both in(const Place& place) {
    Both both{place.ours + (dice_.one_in(2) ? " not in (" : " in ("), "(0"};
    const bool is_not = both.ours.find(" not in") != std::string::npos;
    for (std::uint64_t count = dice_.below(4) + 1; count > 0; --count) {
      const Literal& value = literal();
      both.ours += value.ours + (count > 1 ? ", " : ")");
      both.sql += " or " + sql_of("(" + place.column + "_t=" + std::to_string(value.type) + " and " + place.column +
                                  "_v=" + value.sql + ")");
    }
    both.sql += ")";
    if (is_not) both.sql = "not " + both.sql;
    return both;
  }

  Both like(const Place& place) {
    std::string pattern;
    for (std::uint64_t count = dice_.below(5); count > 0; --count) {
      constexpr const char* kPieces[] = {"%", "_", "a", "b", "\xc3\xa9", "\\%", "\\_", "s", "lo"};
      pattern += kPieces[dice_.below(9)];
    }
    return {place.ours + " like " + quoted(pattern), sql_of("(" + place.column + "_t in (5,8) and " + place.column +
                                                            "_v like " + quoted(pattern) + " escape '\\')")};
  }

  Both starts(const Place& place) {
    const Literal& value = literal_of(5);
    return {place.ours + " starts with " + value.ours,
            sql_of("(" + place.column + "_t in (5,8) and substr(" + place.column + "_v,1,length(" + value.sql +
                   "))=" + value.sql + ")")};
  }

  Both contains(const Place& place) {
    if (dice_.one_in(2)) {
      const Literal& value = literal();
      return {"tags contains " + value.ours,
              "exists(select 1 from e where k=k_v and t=" + std::to_string(value.type) + " and v=" + value.sql + ")"};
    }
    const bool is_raw = dice_.one_in(3);
    const Literal& value = literal_of(is_raw ? 6 : 5);
    return {place.ours + " contains " + value.ours, sql_of("(" + place.column + "_t in (" + (is_raw ? "6" : "5,8") +
                                                           ") and instr(" + place.column + "_v," + value.sql + ")>0)")};
  }

  Both test() {
    const Place& place = places()[dice_.below(places().size())];
    switch (dice_.below(8)) {
      case 0:
        return {place.ours + " exists", "(" + place.column + "_t is not null)"};
      case 1:
        return {place.ours + " is null", "(coalesce(" + place.column + "_t,1)=1)"};
      case 2:
        return between(place);
      case 3:
        return in(place);
      case 4:
        return like(place);
      case 5:
        return starts(place);
      case 6:
        return contains(place);
      default:
        return comparison(place);
    }
  }

  Dice& dice_;
  storage::MemoryStore store_;
  runtime::QueryEngine engine_{store_};
  Sqlite sqlite_;
  std::string one_ = canonical("{\"a\":1}");
  std::uint64_t time_ = 0;
  std::uint64_t indexed_ = 0;
};

// QRY-1, QRY-2, QRY-3
void every_answer_is_that_of_sqlite_whatever_the_plan(void**) {
  Dice dice;
  std::uint64_t indexed = 0;
  for (int round = 0; round < 50; ++round) {
    World world(dice);
    const std::uint64_t indexes = dice.below(4);
    for (std::uint64_t i = 0; i < indexes; ++i) {
      const std::string& path = places()[dice.below(4)].ours;
      assert_ok(
          world.engine().declare("m", path, dice.one_in(2) ? runtime::IndexKind::hash : runtime::IndexKind::ordered));
    }
    for (int i = 0; i < 150; ++i) world.write_row();
    for (int i = 0; i < 240; ++i) {
      world.write_row();
      const Both where = world.predicate(3);
      const Both order = world.order();
      const std::uint64_t limit = dice.one_in(3) ? 0 : 1 + dice.below(20);
      const std::vector<std::string> expected =
          world.sqlite().keys("select k_v from r where " + where.sql + " order by " + order.sql);
      if (world.ask(where, order, limit) != expected) {
        fail_msg("round %d, case %d, limit %d: %s order by %s\nSQL: %s order by %s\nfound %zu, expected %zu", round, i,
                 static_cast<int>(limit), where.ours.c_str(), order.ours.c_str(), where.sql.c_str(), order.sql.c_str(),
                 world.ask(where, order, limit).size(), expected.size());
      }
    }
    indexed += world.indexed();
  }
  print_message("%d cases, %d pages by index\n", 50 * 240, static_cast<int>(indexed));
  assert_true(indexed > 300);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_answer_is_that_of_sqlite_whatever_the_plan),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
