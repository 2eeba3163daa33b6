// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/parser.h"

#include "crdt/cell.h"

namespace grid::query {

// The token is told as it was written, with its quotes or its $. Of what is too long, the place is enough.
Status Parser::refuse(Complaint complaint, Status status) {
  const std::string_view rest = part_of(lexer_.whole(), token().at, lexer_.whole().size());
  const bool is_quoted = token().kind == TokenKind::text || token().kind == TokenKind::quoted_name;
  const std::size_t around = is_quoted ? 2 : token().kind == TokenKind::parameter ? 1 : 0;
  trouble_.column = token().at + 1;
  trouble_.complaint = complaint;
  trouble_.found = status == Status::invalid ? part_of(rest, 0, token().text.size() + around) : std::string_view();
  return status;
}

Status Parser::put(Bytes bytes) {
  if (bytes.size() > room_.size() - size_ || size_ + bytes.size() > Predicate::kProgramBytesMax) {
    return refuse(Complaint::no_room, Status::full);
  }
  copy(bytes, room_.subspan(size_));
  size_ += bytes.size();
  return Status::ok;
}

Status Parser::put_name() {
  std::uint8_t room[kPathNameBytesMax];
  const bool is_quoted = token().kind == TokenKind::quoted_name;
  if (!is_quoted && token().kind != TokenKind::name) {
    return refuse(Complaint::name_expected);
  }
  const Result<std::string_view> name = is_quoted ? unquoted(token().text, '"', room) : token().text;
  if (!name.ok() || name->size() > kPathNameBytesMax) {
    return refuse(Complaint::name_too_long, Status::too_large);
  }
  if (!crdt::is_utf8(*name)) return refuse(Complaint::name_not_utf8);
  GRID_TRY(put_byte(static_cast<std::uint8_t>(name->size())));
  GRID_TRY(put(as_bytes(*name)));
  take();
  return Status::ok;
}

Status Parser::put_path() {
  const bool is_parameter = token().kind == TokenKind::parameter;
  if (is_parameter && token().text == "key") {
    take();
    return put_byte(static_cast<std::uint8_t>(Root::key));
  }
  GRID_TRY(put_byte(static_cast<std::uint8_t>(Root::value)));
  if (is_parameter) {
    if (token().text != "value") return refuse(Complaint::place_unknown);
    take();
    if (!took(Word::point)) return Status::ok;
  }
  for (std::size_t names = 1;; ++names) {
    if (names > kPathNamesMax) return refuse(Complaint::path_too_long, Status::too_large);
    GRID_TRY(put_name());
    if (!took(Word::point)) return Status::ok;
  }
}

}  // namespace grid::query
