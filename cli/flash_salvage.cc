// SPDX-License-Identifier: Apache-2.0
//
// flash salvage OUT: every row that can be read in an image, into a file; and what was passed over.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/image.h"
#include "cli/text.h"
#include "crdt/stub.h"
#include "crdt/value.h"
#include "storage/image/image_salvage.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

std::string csv_cell(std::string_view text) {
  std::string cell = "\"";
  for (const char byte : text) {
    if (byte == '"') cell += '"';
    cell += byte;
  }
  return cell += '"';
}

std::string value_json(const crdt::Op& op) { return json::json_from_value(Value(op.cell.value)); }

std::string csv_of(const std::vector<storage::SalvagedRow>& rows) {
  std::string text = "map,key,sub,value,stamp,expires_ms,pending\n";
  for (const storage::SalvagedRow& row : rows) {
    const crdt::Cell& cell = row.op.cell;
    text += csv_cell(cell.name.map) + "," + csv_cell(cell.name.key) + "," + csv_cell(hex_of(as_bytes(cell.name.sub)));
    text += "," + csv_cell(value_json(row.op)) + "," + stamp_text(cell.stamp) + "," + std::to_string(cell.expires_ms);
    text += row.is_pending ? ",true\n" : ",false\n";
  }
  return text;
}

std::string json_of(const std::vector<storage::SalvagedRow>& rows) {
  std::string text;
  for (const storage::SalvagedRow& row : rows) {
    const crdt::Cell& cell = row.op.cell;
    text += (text.empty() ? "[{\"map\":" : ",\n {\"map\":") + json_text(cell.name.map);
    text += ",\"key\":" + json_text(cell.name.key);
    if (!cell.name.sub.empty()) text += ",\"sub\":\"" + hex_of(as_bytes(cell.name.sub)) + "\"";
    text += ",\"value\":" + value_json(row.op) + ",\"stamp\":\"" + stamp_text(cell.stamp) + "\"";
    text += ",\"expires_ms\":" + std::to_string(cell.expires_ms);
    text += row.is_pending ? ",\"pending\":true}" : ",\"pending\":false}";
  }
  return text.empty() ? "[]\n" : text + "]\n";
}

// Beside it first: what was there stays until all of it is written.
void write_file(const std::string& name, const std::string& text) {
  const std::string fresh = name + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "wb");
  bool is_written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr) is_written = std::fclose(file) == 0 && is_written;
  if (is_written && std::rename(fresh.c_str(), name.c_str()) == 0) return;
  const std::string reason = std::strerror(errno);
  std::remove(fresh.c_str());
  throw Failure(Exit::failure, "cannot write " + name + ": " + reason);
}

// What isn't a value is passed over, too.
void drop_foreign_values(storage::Salvage& salvage) {
  std::erase_if(salvage.rows, [&salvage](const storage::SalvagedRow& row) {
    if (crdt::Stub::is(row.op.cell.value) || crdt::check_value(row.op.cell.value) == Status::ok) return false;
    salvage.skipped.push_back({0, "what is under " + json_text(row.op.cell.name.key) + " is no value"});
    return true;
  });
}

}  // namespace

Exit flash_salvage(const Context& context, const SalvageOptions& options) {
  if (!is_image(context))
    throw Failure(Exit::usage, "flash salvage reads the image of a flash: say --target image:FILE");
  const bool is_csv = options.out.ends_with(".csv");
  if (!is_csv && !options.out.ends_with(".json")) {
    throw Failure(Exit::usage, "salvage writes a file that ends in .csv or .json, and not " + options.out);
  }
  const Image image(context, Image::Judge::lenient);
  std::error_code none;
  if (std::filesystem::equivalent(image.file(), options.out, none)) {
    throw Failure(Exit::usage, "salvage does not write over the image itself");
  }
  storage::Salvage salvage = storage::salvage_image(image.log());
  drop_foreign_values(salvage);
  if (image.cut_off()) salvage.skipped.push_back(*image.cut_off());
  write_file(options.out, is_csv ? csv_of(salvage.rows) : json_of(salvage.rows));
  std::vector<Report> reports;
  for (const storage::Finding& each : salvage.skipped) {
    reports.push_back(Report().text("offset", offset_text(each.offset)).text("skipped", each.what));
  }
  print_all(reports, context.format);
  if (salvage.skipped.empty()) {
    image.tell(salvage.unsure);
    return Exit::ok;
  }
  throw image.trouble(
      salvage.rows.empty() ? Exit::corrupt : Exit::partial,
      counted(salvage.rows.size(), "row") + " salvaged, " + counted(salvage.skipped.size(), "place") + " passed over");
}

}  // namespace grid::cli
