// SPDX-License-Identifier: Apache-2.0

#include "server/host/config/config.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "server/host/app_name.h"

namespace grid::server::config {

namespace {

using Origins = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kVariablePrefix = "GRIDD_";
// Read by those whom they concern.
constexpr std::array<std::string_view, 4> kSections = {"map", "search", "role", "user"};

template <typename Section>
const Key<Section>* find(std::span<const Key<Section>> keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [name](const auto& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

// The words that may stand in the table `path`, which ends with a point or is empty.
template <typename Section>
std::vector<std::string_view> words(std::span<const Key<Section>> keys, std::string_view path,
                                    std::vector<std::string_view> more) {
  if (!path.empty()) more.clear();
  for (const Key<Section>& key : keys) {
    if (!key.name.starts_with(path)) continue;
    const std::string_view rest = key.name.substr(path.size());
    const std::string_view word = rest.substr(0, rest.find('.'));
    if (std::find(more.begin(), more.end(), word) == more.end()) more.push_back(word);
  }
  return more;
}

template <typename Section>
struct Walk {
  std::span<const Key<Section>> keys;
  Section& section;
  Origins& origins;
  std::vector<std::string_view> others;  // Beside the keys, at the top.
  std::string& problem;

  struct Open {
    const Node* table;
    std::string path;  // With a point at its end; empty: the top.
  };
  std::vector<Open> open{};

  Status read(const Node& top) {
    for (open = {{&top, ""}}; !open.empty();) {
      const Open one = std::move(open.back());
      open.pop_back();
      for (const Node& entry : one.table->items) {
        const bool is_other = one.path.empty() && std::find(others.begin(), others.end(), entry.name) != others.end();
        if (!is_other) GRID_TRY(read_entry(entry, one.path));
      }
    }
    return Status::ok;
  }

  Status read_entry(const Node& entry, const std::string& path) {
    const std::string name = path + entry.name;
    if (const Key<Section>* key = find(keys, name)) {
      GRID_TRY(set(*key, section, entry, problem));
      origins.insert_or_assign(name, entry.at.text());
      return Status::ok;
    }
    const std::vector<std::string_view> inner = words(keys, name + ".", {});
    if (inner.empty()) {
      const std::string sentence =
          "unknown key " + name.substr(0, 80) + suggestion(entry.name, words(keys, path, others));
      return refuse(entry.named_at, sentence, problem);
    }
    if (!entry.is(Node::Kind::table)) return refuse(entry.at, name + " is to be a table", problem);
    open.push_back({&entry, name + "."});
    return Status::ok;
  }
};

Status read_files(const std::string& file, Node& root, std::string& problem) {
  GRID_TRY(parse_file(file, root, problem));
  const std::filesystem::path drop_ins = std::filesystem::path(file).parent_path() / "conf.d";
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(drop_ins, error)) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().native());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    problem = drop_ins.native() + ": " + error.message();
    return Status::not_found;
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    Node over;
    GRID_TRY(parse_file(name, over, problem));
    lay_over(root, over);
  }
  return Status::ok;
}

template <typename Section>
Status take_text(const Key<Section>* key, Section& section, Origins& origins, const Override& one,
                 std::string& problem) {
  if (key == nullptr) return Status::not_found;
  if (set(*key, section, one.text, problem) != Status::ok) {
    problem = one.origin + ": " + problem;
    return Status::invalid;
  }
  origins.insert_or_assign(std::string(key->name), one.origin);
  return Status::ok;
}

std::string origin_in(const Origins& origins, std::string_view key) {
  const auto found = origins.find(key);
  return found == origins.end() ? "built in" : found->second;
}

template <typename Section>
void compare(std::span<const Key<Section>> keys, const Section& now, const Section& next, const std::string& path,
             std::vector<std::string>& sentences) {
  for (const Key<Section>& key : keys) {
    if (key.takes != Takes::on_restart || is_same(key, now, next)) continue;
    sentences.push_back(std::string(path).append(key.name).append(" stays ").append(written(key, now)));
    sentences.back().append(" until a restart makes it ").append(written(key, next));
  }
}

}  // namespace

std::string variable_of(std::string_view key) {
  std::string name(kVariablePrefix);
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

Status Config::read(const Sources& sources, Config& config, std::string& problem) {
  config = Config();
  if (!sources.file.empty()) GRID_TRY(read_files(sources.file, config.root_, problem));
  Node rules;
  if (!sources.rules.empty()) GRID_TRY(parse_file(sources.rules, rules, problem));
  lay_over(config.root_, rules);
  lay_over(config.root_, sources.over);
  GRID_TRY(config.read_tree(problem));
  for (const auto& variable : sources.environment) {
    if (variable.first.starts_with(kVariablePrefix)) GRID_TRY(config.take_environment(variable, problem));
  }
  for (const Override& flag : sources.flags) GRID_TRY(config.take(flag, problem));
  // Behind what the environment and flags say of all apps.
  const Node* const apps = config.root_.find("app");
  if (apps == nullptr) return Status::ok;
  if (!apps->is(Node::Kind::table)) return refuse(apps->at, "app is to be a table: [app.NAME]", problem);
  for (const Node& entry : apps->items) GRID_TRY(config.read_app(entry, problem));
  return Status::ok;
}

Status Config::read_tree(std::string& problem) {
  std::vector<std::string_view> others(kSections.begin(), kSections.end());
  others.insert(others.end(), {"apps", "app"});
  GRID_TRY((Walk<Settings>{gateway_keys(), gateway_, origins_, others, problem}.read(root_)));
  const Node* const apps = root_.find("apps");
  if (apps == nullptr) return Status::ok;
  if (!apps->is(Node::Kind::table)) return refuse(apps->at, "apps is to be a table", problem);
  return Walk<AppSettings>{app_keys(), apps_.settings, apps_.origins, {}, problem}.read(*apps);
}

Status Config::read_app(const Node& entry, std::string& problem) {
  if (!is_app_name(entry.name)) {
    return refuse(entry.named_at, "an app has a name of 1 to 64 of the characters A-Z a-z 0-9 _ . -", problem);
  }
  if (!entry.is(Node::Kind::table)) return refuse(entry.at, "an app is to be a table: [app.NAME]", problem);
  App& app = app_.emplace(entry.name, App{apps_.settings, {}}).first->second;
  const std::vector<std::string_view> others(kSections.begin(), kSections.end());
  return Walk<AppSettings>{app_keys(), app.settings, app.origins, others, problem}.read(entry);
}

Status Config::take(const Override& one, std::string& problem) {
  constexpr std::string_view kApps = "apps.";
  const std::string_view key = one.key;
  const bool is_of_apps = key.starts_with(kApps);
  const Status taken =
      is_of_apps ? take_text(find(app_keys(), key.substr(kApps.size())), apps_.settings, apps_.origins, one, problem)
                 : take_text(find(gateway_keys(), key), gateway_, origins_, one, problem);
  if (taken != Status::not_found) return taken;
  std::vector<std::string_view> known;
  for (const auto& each : gateway_keys()) known.push_back(each.name);
  problem = one.origin + ": unknown key " + one.key.substr(0, 80);
  std::vector<std::string> names;
  for (const auto& each : app_keys()) names.push_back(std::string(kApps).append(each.name));
  known.insert(known.end(), names.begin(), names.end());
  problem += suggestion(key, known);
  return Status::invalid;
}

Status Config::take_environment(const std::pair<std::string, std::string>& variable, std::string& problem) {
  const std::string origin = "environment " + variable.first;
  std::vector<std::string> names;
  for (const auto& key : gateway_keys()) {
    if (variable_of(key.name) == variable.first) return take({std::string(key.name), variable.second, origin}, problem);
    names.push_back(variable_of(key.name));
  }
  for (const auto& key : app_keys()) {
    const std::string name = "apps." + std::string(key.name);
    if (variable_of(name) == variable.first) return take({name, variable.second, origin}, problem);
    names.push_back(variable_of(name));
  }
  problem = origin + ": there is no such setting" + suggestion(variable.first, {names.begin(), names.end()});
  return Status::invalid;
}

const AppSettings& Config::app(std::string_view name) const {
  const auto found = app_.find(name);
  return found == app_.end() ? apps_.settings : found->second.settings;
}

std::vector<std::string> Config::named_apps() const {
  std::vector<std::string> names;
  for (const auto& [name, app] : app_) names.push_back(name);
  return names;
}

Node Config::section(std::string_view name, std::string_view app) const {
  const Node* const common = root_.find(name);
  Node whole = common == nullptr ? Node{} : *common;
  const Node* const apps = root_.find("app");
  const Node* const own = apps == nullptr ? nullptr : apps->find(app);
  const Node* const over = own == nullptr ? nullptr : own->find(name);
  if (over == nullptr) return whole;
  // One that is no table is refused by its reader, at its place.
  if (!over->is(Node::Kind::table) || !whole.is(Node::Kind::table)) return over->is(Node::Kind::table) ? whole : *over;
  lay_over(whole, *over);
  return whole;
}

std::vector<Shown> Config::shown() const {
  std::vector<Shown> all;
  for (const auto& key : gateway_keys()) {
    all.push_back({std::string(key.name), written(key, gateway_), origin_in(origins_, key.name), key.takes, key.name});
  }
  for (const auto& key : app_keys()) {
    all.push_back({"apps." + std::string(key.name), written(key, apps_.settings), origin_in(apps_.origins, key.name),
                   key.takes, key.name});
  }
  for (const auto& [name, app] : app_) {
    for (const auto& [key, origin] : app.origins) {
      const Key<AppSettings>& found = *find(app_keys(), key);
      all.push_back({std::string("app.").append(name).append(".").append(key), written(found, app.settings), origin,
                     found.takes, found.name, name});
    }
  }
  return all;
}

bool Config::agrees_on(const Shown& one, const Config& other) const {
  if (one.key == one.name) return is_same(*find(gateway_keys(), one.name), gateway_, other.gateway_);
  return is_same(*find(app_keys(), one.name), app(one.app), other.app(one.app));
}

std::vector<std::string> Config::waiting(const Config& next) const {
  std::vector<std::string> sentences;
  compare(gateway_keys(), gateway_, next.gateway_, "", sentences);
  compare(app_keys(), apps_.settings, next.apps_.settings, "apps.", sentences);
  std::vector<std::string> names = named_apps();
  for (const std::string& name : next.named_apps()) {
    if (app_.find(name) == app_.end()) names.push_back(name);
  }
  for (const std::string& name : names) compare(app_keys(), app(name), next.app(name), "app." + name + ".", sentences);
  return sentences;
}

}  // namespace grid::server::config
