// SPDX-License-Identifier: Apache-2.0
//
// Where a gateway's configuration comes from, and what is said when it is wrong.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "server/host/app_config.h"
#include "server/host/config_desk.h"
#include "server/host/search_config.h"
#include "tests/check.h"
#include "tests/contract/temporary_directory.h"

namespace {

using namespace grid;
using namespace grid::server;
using namespace grid::server::config;
using grid::test::TemporaryDirectory;

struct Place {
  TemporaryDirectory directory;
  std::string file = directory.path() + "/gridd.toml";

  explicit Place(const std::string& text) { write("gridd.toml", text); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(directory.path() + "/conf.d");
    std::ofstream(directory.path() + "/" + name) << text;
  }
};

Config taken(const Sources& sources) {
  Config config;
  std::string problem;
  if (Config::read(sources, config, problem) != Status::ok) fail_msg("%s", problem.c_str());
  return config;
}

// The sentence about `text` as a file, without the file's name.
std::string refused(const std::string& text) {
  const Place place(text);
  Config config;
  std::string problem;
  const Status status = Config::read({.file = place.file}, config, problem);
  const Status checked = status == Status::ok ? check_apps(config, problem) : status;
  assert_status(checked, Status::invalid);
  if (!problem.starts_with(place.file + ":")) fail_msg("%s", problem.c_str());
  return problem.substr(place.file.size() + 1);
}

std::string origin_of(const Config& config, std::string_view key) {
  for (const Shown& one : config.shown()) {
    if (one.key == key) return one.origin;
  }
  fail_msg("%s is not shown", std::string(key).c_str());
  return {};
}

void each_source_lies_over_the_one_before_it(void**) {
  Place place("stop_timeout = '1s'\ndata = '/file'\n[log]\nlevel = 'debug'\nrepeat = '1m'\n[apps]\nlinks = 7\n");
  place.write("conf.d/20.toml", "[log]\nlevel = 'error'\n");
  place.write("conf.d/10.toml", "stop_timeout = '2s'\n[log]\nlevel = 'info'\n");
  place.write("conf.d/30.txt", "this is not read");
  const Config config = taken({.file = place.file,
                               .environment = {{"GRIDD_LOG_LEVEL", "warning"}, {"GRIDDLE", "x"}, {"PATH", "y"}},
                               .flags = {{"data", "/flag", "--data"}}});
  assert_true(config.gateway().stop_timeout == Span{2'000});
  assert_string_equal(config.gateway().log.level.c_str(), "warning");
  assert_true(config.gateway().log.repeat == Span{60'000});
  assert_string_equal(config.gateway().data.c_str(), "/flag");
  assert_int_equal(config.app("any").links, 7);
  assert_string_equal(origin_of(config, "stop_timeout").c_str(),
                      (place.directory.path() + "/conf.d/10.toml:1:16").c_str());
  assert_string_equal(origin_of(config, "log.level").c_str(), "environment GRIDD_LOG_LEVEL");
  assert_string_equal(origin_of(config, "data").c_str(), "--data");
  assert_string_equal(origin_of(config, "apps.links").c_str(), (place.file + ":7:9").c_str());
  assert_string_equal(origin_of(config, "listen").c_str(), "built in");
}

void an_app_has_its_own_settings_and_for_the_rest_those_of_all(void**) {
  const Place place(
      "[apps]\nlinks = 7\nretention = '1d'\n[app.farm]\nlinks = 9\n[map.m]\nindex = ['a']\n"
      "[app.farm.map.m]\nindex = ['b']\n[app.farm.map.n]\nmax_wins = 'points'\n[app.farm.search]\nnotes = ['text']\n");
  const Config config = taken({.file = place.file, .flags = {{"apps.retention", "2d", "--retention"}}});
  assert_int_equal(config.app("farm").links, 9);
  assert_int_equal(config.app("other").links, 7);
  assert_true(config.app("farm").retention == Span{172'800'000});
  AppConfig farm;
  AppConfig other;
  std::string problem;
  assert_ok(read_app_config(config, "farm", farm, problem));
  assert_ok(read_app_config(config, "other", other, problem));
  assert_true(farm.policies.indexes == (std::vector<IndexedField>{{"m", "b"}}));
  assert_true(other.policies.indexes == (std::vector<IndexedField>{{"m", "a"}}));
  assert_true(farm.policies.rules.governs("n"));
  assert_false(other.policies.rules.governs("n"));
  assert_true(farm.search.is_on() && !other.search.is_on());
}

void what_is_wrong_is_said_with_its_place(void**) {
  const struct {
    const char* text;
    const char* sentence;
  } wrong[] = {
      {"lisen = ['a']", "1:1: unknown key lisen; did you mean listen?"},
      {"[log]\n levl = 'x'", "2:2: unknown key log.levl; did you mean level?"},
      {"[log.level]\nx = 1", "1:1: log.level is to be one of debug, info, warning, error"},
      {"log = 3", "1:7: log is to be a table"},
      {"[log]\nlevel = 'loud'", "2:9: log.level is to be one of debug, info, warning, error"},
      {"stop_timeout = 5", "1:16: stop_timeout is to be a time with its unit, as 90d, 12h, 5m, 30s or 500ms"},
      {"stop_timeout = '5 parsecs'", "1:16: stop_timeout is to be a time with its unit, as 90d, 12h, 5m, 30s or 500ms"},
      {"stop_timeout = '2d'", "1:16: stop_timeout is to be from 0 to 1d"},
      {"listen = 'a'", "1:10: listen is to be a list of texts"},
      {"listen = []", "1:10: listen is to be a list of at least one text"},
      {"listen = [7]", "1:10: listen is to be a list of texts"},
      {"data = 7", "1:8: data is to be a text"},
      {"[apps]\nlinks = 0", "2:9: links is to be from 1 to 1000000"},
      {"[apps]\nlinks = -1", "2:9: links is to be a whole number that is not negative"},
      {"[apps]\nlinks = '9'", "2:9: links is to be a whole number"},
      {"[apps]\nvalue_max = '9 MiB'", "2:13: value_max is to be from 64B to 1MiB"},
      {"[apps]\nlink = 1", "2:1: unknown key link; did you mean links?"},
      {"apps = 1", "1:8: apps is to be a table"},
      {"app = 1", "1:7: app is to be a table: [app.NAME]"},
      {"[app.'a/b']\nlinks = 1", "1:6: an app has a name of 1 to 64 of the characters A-Z a-z 0-9 _ . -"},
      {"[app.a]\nlinkz = 1", "2:1: unknown key linkz; did you mean links?"},
      {"[app]\na = 1", "2:5: an app is to be a table: [app.NAME]"},
      {"map = 1", "1:7: map is to be a table: [map.NAME]"},
      {"[app.a.map.m]\nrequre = 'a > 1'", "2:1: unknown rule requre; did you mean require?"},
      {"[app.a]\nmap = 1", "2:7: map is to be a table: [map.NAME]"},
      {"[search]\nnotes = 'text'", "2:9: what is searched of map notes is to be a list of fields"},
      {"[search]\nnotes = ['a', 'a']", "2:15: field 'a' of map notes is named twice"},
      {"[log\n", "1:5: "},
  };
  for (const auto& [text, sentence] : wrong) {
    const std::string said = refused(text);
    if (!said.starts_with(sentence)) fail_msg("%s\nsays %s\nand not %s", text, said.c_str(), sentence);
  }
}

void the_environment_and_flags_are_named_when_they_are_wrong(void**) {
  const struct {
    Sources sources;
    const char* sentence;
  } wrong[] = {
      {{.environment = {{"GRIDD_LOG_LEVEL", "loud"}}}, "environment GRIDD_LOG_LEVEL: log.level is to be one of"},
      {{.environment = {{"GRIDD_LOG_LEVL", "info"}}},
       "environment GRIDD_LOG_LEVL: there is no such setting; did you mean GRIDD_LOG_LEVEL?"},
      {{.flags = {{"apps.links", "many", "--set apps.links"}}}, "--set apps.links: links is to be a whole number"},
      {{.flags = {{"apps.lnks", "1", "--set apps.lnks"}}},
       "--set apps.lnks: unknown key apps.lnks; did you mean apps.links?"},
  };
  for (const auto& [sources, sentence] : wrong) {
    Config config;
    std::string problem;
    assert_status(Config::read(sources, config, problem), Status::invalid);
    if (!problem.starts_with(sentence)) fail_msg("%s\nand not %s", problem.c_str(), sentence);
  }
}

void a_file_that_is_not_there_is_named(void**) {
  Config config;
  std::string problem;
  assert_status(Config::read({.file = "/nowhere/gridd.toml"}, config, problem), Status::not_found);
  assert_string_equal(
      problem.c_str(),
      "/nowhere/gridd.toml: there is no such file, or it can't be read, or it is larger than a mebibyte");
}

void an_empty_file_says_nothing(void**) {
  const Place place("");
  assert_string_equal(taken({.file = place.file}).gateway().data.c_str(), "./grid-data");
}

void what_waits_for_a_restart_is_told(void**) {
  const Place before("data = '/a'\n[log]\nlevel = 'info'\n[app.farm]\nlinks = 3\n");
  const Place after("data = '/b'\n[log]\nlevel = 'debug'\n[apps]\nlinks = 9\n");
  const std::vector<std::string> waiting = taken({.file = before.file}).waiting(taken({.file = after.file}));
  assert_int_equal(waiting.size(), 3);
  assert_string_equal(waiting[0].c_str(), "data stays \"/a\" until a restart makes it \"/b\"");
  assert_string_equal(waiting[1].c_str(), "apps.links stays 1024 until a restart makes it 9");
  assert_string_equal(waiting[2].c_str(), "app.farm.links stays 3 until a restart makes it 9");
}

// What the desk says of `key`, with what comes behind the origin; empty: nothing.
std::string told(const AdminAnswer& answer, const std::string& key) {
  const std::size_t line = answer.lines.find("{\"key\":\"" + key + "\"");
  if (line == std::string::npos) return {};
  const std::string whole = answer.lines.substr(line, answer.lines.find('\n', line) - line);
  const std::size_t origin = whole.find(",\"origin\":");
  const std::size_t value = whole.find(",\"value\":");
  return whole.substr(value + 1, origin - value - 1) + whole.substr(whole.find("\"", origin + 12) + 1);
}

void the_desk_tells_that_a_secret_waits_and_not_which(void**) {
  const Place before("[apps]\nsink.url = 'postgres://u:old@h/d'\n[app.a]\nsink.url = 'postgres://u:own@h/d'\n");
  const Place after("[apps]\nsink.url = 'postgres://u:new@h/d'\n[app.b]\nsink.url = 'postgres://u:old@h/d'\n");
  const Config started = taken({.file = before.file});
  const AdminAnswer same = tell_config(started, started);
  assert_string_equal(told(same, "apps.sink.url").c_str(), "\"value\":\"(not told)\"}");
  const AdminAnswer answer = tell_config(started, taken({.file = after.file}));
  const char* const waits = "\"value\":\"(not told)\",\"waits\":\"(not told)\"}";
  assert_string_equal(told(answer, "apps.sink.url").c_str(), waits);
  assert_string_equal(told(answer, "app.a.sink.url").c_str(), waits);
  // As it was, though said elsewhere.
  assert_string_equal(told(answer, "app.b.sink.url").c_str(), "\"value\":\"(not told)\"}");
  for (const char* secret : {"u:old", "u:new", "u:own"}) assert_true(answer.lines.find(secret) == std::string::npos);
}

void the_desk_tells_what_waits_for_an_app_whose_name_has_a_point(void**) {
  const Place before("[app.'farm.north']\nlinks = 3\n");
  const Place after("[app.'farm.north']\nlinks = 4\n");
  const Config started = taken({.file = before.file});
  const AdminAnswer changed = tell_config(started, taken({.file = after.file}));
  assert_string_equal(told(changed, "app.farm.north.links").c_str(), "\"value\":3,\"waits\":4}");
  const AdminAnswer unsaid = tell_config(started, Config());
  assert_string_equal(told(unsaid, "app.farm.north.links").c_str(), "\"value\":3,\"waits\":1024}");
}

void every_setting_has_a_variable_of_its_own(void**) {
  std::vector<std::string> names;
  for (const auto& key : gateway_keys()) names.push_back(variable_of(key.name));
  for (const auto& key : app_keys()) names.push_back(variable_of("apps." + std::string(key.name)));
  std::sort(names.begin(), names.end());
  assert_true(std::adjacent_find(names.begin(), names.end()) == names.end());
}

// A value as it is shown, written into a file, is the same value.
void what_is_shown_can_be_read_again(void**) {
  std::string text;
  for (const Shown& one : Config().shown()) text += one.key + " = " + one.value + "\n";
  const Place place(text);
  const Config config = taken({.file = place.file});
  const std::vector<Shown> before = Config().shown();
  const std::vector<Shown> after = config.shown();
  assert_int_equal(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) assert_string_equal(before[i].value.c_str(), after[i].value.c_str());
}

void spans_and_sizes_have_units(void**) {
  assert_true(*parse_span("90d") == Span{7'776'000'000} && *parse_span("500 ms") == Span{500});
  assert_true(*parse_span("0") == Span{0} && *parse_size("64MiB") == Size{67'108'864});
  assert_true(*parse_size("10kB") == Size{10'000} && *parse_size("7B") == Size{7});
  for (const char* wrong :
       {"", "d", "5", "-1s", "1.5h", "1 d ", "1S", "99999999999999999999d", "300000000000d", " 1s"}) {
    assert_status(parse_span(wrong).status(), Status::invalid);
  }
  for (const char* wrong : {"", "5", "1mb", "1M", "MiB", "99999999999GiB"}) {
    assert_status(parse_size(wrong).status(), Status::invalid);
  }
  for (const std::uint64_t ms : {0ull, 1ull, 999ull, 1'000ull, 60'000ull, 5'400'000ull, 86'400'000ull}) {
    assert_true(*parse_span(text_of(Span{ms})) == Span{ms});
    assert_true(*parse_size(text_of(Size{ms})) == Size{ms});
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_source_lies_over_the_one_before_it),
      cmocka_unit_test(an_app_has_its_own_settings_and_for_the_rest_those_of_all),
      cmocka_unit_test(what_is_wrong_is_said_with_its_place),
      cmocka_unit_test(the_environment_and_flags_are_named_when_they_are_wrong),
      cmocka_unit_test(a_file_that_is_not_there_is_named),
      cmocka_unit_test(an_empty_file_says_nothing),
      cmocka_unit_test(what_waits_for_a_restart_is_told),
      cmocka_unit_test(the_desk_tells_that_a_secret_waits_and_not_which),
      cmocka_unit_test(the_desk_tells_what_waits_for_an_app_whose_name_has_a_point),
      cmocka_unit_test(every_setting_has_a_variable_of_its_own),
      cmocka_unit_test(what_is_shown_can_be_read_again),
      cmocka_unit_test(spans_and_sizes_have_units),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
