// SPDX-License-Identifier: Apache-2.0
#include "cli/image.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cli/text.h"
#include "crdt/stub.h"
#include "crdt/value.h"
#include "runtime/facts.h"

namespace grid::cli {

using storage::FlashOptions;
using storage::FlashStore;
namespace flash = storage::flash;

namespace {

constexpr std::string_view kScheme = "image:";
constexpr std::size_t kBytesMax = 128u << 20;
constexpr std::uint32_t kSectorBytesMin = 4'096;
constexpr std::uint64_t kSectorsMax = 65'535;

struct Closing {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::vector<std::uint8_t> read_file(const std::string& name) {
  const auto trouble = [&name] { return Failure(Exit::failure, "cannot read " + name + ": " + std::strerror(errno)); };
  const std::unique_ptr<std::FILE, Closing> file(std::fopen(name.c_str(), "rb"));
  if (!file) throw trouble();
  std::vector<std::uint8_t> bytes;
  for (std::size_t size = 1; size != 0;) {
    std::uint8_t chunk[65'536];
    size = std::fread(chunk, 1, sizeof(chunk), file.get());
    bytes.insert(bytes.end(), chunk, chunk + size);
    if (bytes.size() > kBytesMax) throw Failure(Exit::failure, name + " is longer than 128 MiB, as no flash image is");
  }
  if (std::ferror(file.get()) != 0) throw trouble();
  return bytes;
}

std::string size_text(std::uint64_t bytes) { return counted(bytes, "byte"); }

std::uint64_t wall_ms() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
}

// Room for whatever a partition of so many bytes can hold.
FlashOptions options_for(std::size_t bytes, std::uint32_t sector_bytes) {
  const auto units = static_cast<std::uint32_t>(bytes / flash::kUnitBytes);
  const std::size_t room = std::min<std::size_t>(sector_bytes - flash::kRecordsAt - flash::Head::kCommitBytes,
                                                 std::size_t{flash::kUnitsMax} * flash::kUnitBytes);
  FlashOptions options;
  options.cells_max = options.in_flight_max = units / 3;
  options.facts_max = units / 2;
  options.value_bytes_max = static_cast<std::uint32_t>(room - flash::Head::kOpBytes - kNameBytesMax - 24);
  return options;
}

}  // namespace

std::string offset_text(std::uint64_t offset) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "0x%llx", 0ull + offset);
  return digits;
}

bool is_image(const Context& context) { return context.target.starts_with(kScheme); }

Image::Image(const Context& context, Judge judge) : file_(context.target.substr(kScheme.size())) {
  if (file_.empty()) throw Failure(Exit::usage, "image: needs the name of a file behind it");
  if (!context.store.empty()) throw Failure(Exit::usage, "an image is a store itself: --store can't be given with it");
  bytes_ = read_file(file_);
  if (bytes_.empty()) throw Failure(Exit::failure, file_ + " is empty");
  if (const auto label = storage::ImageLog::find_label(bytes_)) {
    judge_label(label->first, label->second, judge);
  } else {
    judge_unlabelled(judge);
  }
  log_.emplace(bytes_, sector_bytes_);
  check_app(context);
}

Failure Image::trouble(Exit exit, const std::string& sentence) const { return {exit, file_ + ": " + sentence}; }

void Image::tell(const std::vector<storage::Finding>& findings) const {
  for (const storage::Finding& each : findings) {
    std::fprintf(stderr, "gridctl: %s: offset %s: %s\n", file_.c_str(), offset_text(each.offset).c_str(),
                 each.what.c_str());
  }
}

void Image::judge_label(std::uint64_t at, const flash::Label& label, Judge judge) {
  const std::string place = "the label at offset " + offset_text(at);
  if (label.format != flash::Label::kFormat) {
    throw trouble(Exit::failure, place + " is of format " + std::to_string(label.format) +
                                     ", and this gridctl reads format " + std::to_string(flash::Label::kFormat));
  }
  const std::uint64_t whole = std::uint64_t{label.sector_bytes} * label.sector_count;
  const bool is_possible = label.sector_bytes >= kSectorBytesMin && label.sector_bytes % kSectorBytesMin == 0 &&
                           label.sector_count != 0 && label.sector_count <= kSectorsMax && whole <= kBytesMax;
  if (!is_possible) {
    throw trouble(Exit::failure, place + " is of " + std::to_string(label.sector_count) + " sectors of " +
                                     size_text(label.sector_bytes) + ", which no partition has");
  }
  sector_bytes_ = label.sector_bytes;
  const std::string is_of = place + " is of a partition of " + size_text(whole);
  if (bytes_.size() > whole) {
    throw trouble(Exit::failure, size_text(bytes_.size()) + ", and " + is_of + ": cut out that partition alone");
  }
  if (bytes_.size() == whole) return;
  if (judge == Judge::strict) {
    throw trouble(Exit::failure, "it is cut off at offset " + offset_text(bytes_.size()) + ": " + is_of);
  }
  cut_off_ = storage::Finding{bytes_.size(), "the image ends here, and its partition has " + size_text(whole)};
  bytes_.resize(whole, 0xff);
}

void Image::judge_unlabelled(Judge judge) {
  if (std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0xff; })) {
    throw trouble(Exit::failure, "it is erased: there is no store in it yet");
  }
  bool has_opening = false;
  for (std::size_t at = 0; at + flash::kRecordsAt <= bytes_.size(); at += kSectorBytesMin) {
    flash::Opening opening;
    has_opening = has_opening || flash::Opening::read(bytes_.data() + at + flash::Opening::kAt, opening);
  }
  const std::size_t over = bytes_.size() % kSectorBytesMin;
  if (over != 0 && judge == Judge::strict) {
    throw trouble(Exit::failure, "no flash image: " + size_text(bytes_.size()) +
                                     " are no whole number of sectors of 4096 bytes; the last begins at offset " +
                                     offset_text(bytes_.size() - over));
  }
  if (!has_opening) {
    char front[16];
    const auto byte = [this](std::size_t i) { return i < bytes_.size() ? unsigned{bytes_[i]} : 0u; };
    std::snprintf(front, sizeof(front), "%02x %02x %02x %02x", byte(0), byte(1), byte(2), byte(3));
    throw trouble(
        Exit::failure,
        std::string("no flash image of Grid: none of its sectors has a label; at offset 0x0 it has ") + front);
  }
  if (over == 0) return;
  cut_off_ = storage::Finding{bytes_.size(), "the image ends here, within a sector"};
  bytes_.resize(bytes_.size() - over + kSectorBytesMin, 0xff);
}

// An image holds one app; another may only be asked for by mistake.
void Image::check_app(const Context& context) {
  if (context.app == Context().app) return;
  const Result<Bytes> fact = store().fact(runtime::facts::kApp);
  const std::string app(fact.ok() ? as_text(*fact) : std::string_view());
  if (app != context.app)
    throw trouble(Exit::not_found, "it is of the app " + json_text(app) + ", not " + json_text(context.app));
}

std::vector<bool> Image::retired() const {
  std::vector<bool> retired(log_->sectors().size());
  for (const std::uint32_t sector : log_->order()) {
    log_->walk(
        log_->begin_of(sector), log_->sectors()[sector].end,
        [&retired](const storage::ImageRecord& record) {
          const flash::Head& head = record.head;
          if (head.kind == flash::Kind::retired && head.number < retired.size()) retired[head.number] = true;
        },
        [](flash::Address, flash::Address) {});
  }
  return retired;
}

Wear wear_of(const Image& image) {
  Wear wear;
  std::uint64_t sum = 0, labelled = 0;
  for (const storage::ImageSector& sector : image.log().sectors()) {
    wear.free += sector.is_free();
    if (!sector.has_label) continue;
    const std::uint64_t erases = sector.label.erase_count;
    wear.erases_min = labelled == 0 ? erases : std::min(wear.erases_min, erases);
    wear.erases_max = std::max(wear.erases_max, erases);
    sum += erases;
    ++labelled;
  }
  const std::vector<bool> retired = image.retired();
  wear.sectors = retired.size();
  wear.retired = static_cast<std::uint64_t>(std::count(retired.begin(), retired.end(), true));
  if (labelled != 0) wear.erases_mean = static_cast<double>(sum) / static_cast<double>(labelled);
  return wear;
}

FlashStore& Image::store() {
  if (store_) return *store_;
  device_.emplace(bytes_, sector_bytes_);
  const FlashOptions options = options_for(bytes_.size(), sector_bytes_);
  memory_.resize(FlashStore::memory_bytes(options, device_->sector_count()));
  arena_.emplace(memory_);
  store_ = std::make_unique<FlashStore>(*device_, *arena_, options);
  const Status status = store_->mount();
  // What has no commit yet would have to be written to, to become a store.
  if (status == Status::io) throw trouble(Exit::failure, "there is no store in it yet: not one commit was finished");
  require(status);
  return *store_;
}

void Image::require(Status status) {
  if (status == Status::ok) return;
  constexpr std::string_view kPrefix = "flash store: ";
  std::string_view problem = store_->problem();
  if (problem.starts_with(kPrefix)) problem.remove_prefix(kPrefix.size());
  if (status != Status::corrupt) throw trouble(Exit::failure, std::string(problem));
  throw trouble(Exit::corrupt, std::string(problem) + "; flash salvage reads what is left");
}

Value Image::value_of(const crdt::Op& op) const {
  const bool is_stub = crdt::Stub::is(op.cell.value);
  if (!op.cell.is_tombstone() && !is_stub && crdt::check_value(op.cell.value) != Status::ok) {
    throw trouble(Exit::corrupt, "what is under " + json_text(op.cell.name.key) + " in the map " +
                                     json_text(op.cell.name.map) + " is no value");
  }
  return Value(op.cell.value);
}

Value Image::find(const std::string& map, const std::string& key) {
  const Result<crdt::Op> op = store().find({map, key});
  if (op.status() == Status::not_found) return {};
  require(op.status());
  return op->cell.is_live(wall_ms()) ? value_of(*op) : Value();
}

void Image::scan(const std::string& map, const std::string& prefix,
                 const std::function<void(std::string_view key, const Value& value)>& row) {
  const std::uint64_t now_ms = wall_ms();
  std::string key, sub;
  for (;;) {
    const Result<crdt::Op> op = store().next_cell({map, key, sub});
    if (op.status() == Status::not_found) return;
    require(op.status());
    const crdt::CellName& name = op->cell.name;
    if (name.map != map) return;
    key = name.key;
    sub = name.sub;
    if (key.starts_with(prefix) && sub.empty() && op->cell.is_live(now_ms)) row(key, value_of(*op));
  }
}

void Image::each_pending(const std::function<void(const crdt::Op& op)>& visit) {
  for (crdt::Seq seq = store().settled();;) {
    const Result<crdt::Op> op = store().next_op(seq);
    if (op.status() == Status::not_found) return;
    require(op.status());
    seq = op->seq;
    if (op->local) visit(*op);
  }
}

}  // namespace grid::cli
