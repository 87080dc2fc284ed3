#include "common/jose/json_members.h"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace connector::jose {
namespace {

namespace json = boost::json;
using Code = boost::system::error_code;
using Kind = Member::Kind;

bool IsScalarKind(Kind kind) {
  return kind == Kind::kString || kind == Kind::kInteger || kind == Kind::kNumber ||
         kind == Kind::kBool;
}

// Boost.JSON calls one function per event; false with a code set stops the parser.
struct Handler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  std::vector<Member> members;
  std::string refused;  // Why, when a rule of ours stopped the parser.
  std::string part;     // Of a key or string that came in pieces.
  std::size_t depth = 0;

  bool Refuse(const char* why, Code& ec) {
    refused = why;
    ec = json::error::syntax;
    return false;
  }

  bool Value(Kind kind, std::string text, Code& ec) {
    if (depth == 0) {
      return Refuse("is not an object", ec);
    }
    if (depth == 1) {
      members.back().kind = kind;
      members.back().text = std::move(text);
    } else if (depth == 2 && members.back().kind == Kind::kArray) {
      members.back().strings_only = members.back().strings_only && kind == Kind::kString;
      if (IsScalarKind(kind)) {
        members.back().scalars.push_back(std::move(text));
      }
    }
    return true;
  }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }

  bool on_object_begin(Code& ec) {
    if (depth > 0 && !Value(Kind::kObject, {}, ec)) {
      return false;
    }
    ++depth;
    return true;
  }
  bool on_object_end(std::size_t, Code&) {
    --depth;
    return true;
  }
  bool on_array_begin(Code& ec) {
    if (!Value(Kind::kArray, {}, ec)) {
      return false;
    }
    ++depth;
    return true;
  }
  bool on_array_end(std::size_t, Code&) {
    --depth;
    return true;
  }

  bool on_key_part(json::string_view text, std::size_t, Code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_key(json::string_view text, std::size_t, Code& ec) {
    part.append(text.data(), text.size());
    std::string name = std::exchange(part, {});
    if (depth != 1) {
      return true;
    }
    if (FindMember(members, name) != nullptr) {
      return Refuse("repeats a member", ec);
    }
    if (members.size() == kMaxMembers) {
      return Refuse("has too many members", ec);
    }
    members.emplace_back().name = std::move(name);
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, Code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_string(json::string_view text, std::size_t, Code& ec) {
    part.append(text.data(), text.size());
    return Value(Kind::kString, std::exchange(part, {}), ec);
  }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, Code& ec) {
    if (depth == 1) {
      members.back().integer = value;
    }
    return Value(Kind::kInteger, std::to_string(value), ec);
  }
  bool on_uint64(std::uint64_t value, json::string_view, Code& ec) {
    if (depth == 1) {
      members.back().number = static_cast<double>(value);
    }
    return Value(Kind::kNumber, std::to_string(value), ec);
  }
  bool on_double(double value, json::string_view, Code& ec) {
    if (depth == 1) {
      members.back().number = value;
    }
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return Value(Kind::kNumber, std::string(text.data(), end), ec);
  }
  bool on_bool(bool value, Code& ec) { return Value(Kind::kBool, value ? "true" : "false", ec); }
  bool on_null(Code& ec) { return Value(Kind::kNull, {}, ec); }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
};

Error Refused(std::string why) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(why));
}

}  // namespace

Result<std::vector<Member>> ParseMembers(std::string_view json) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::basic_parser<Handler> parser(options);
  Code ec;
  const std::size_t used = parser.write_some(false, json.data(), json.size(), ec);
  if (!parser.handler().refused.empty()) {
    return Refused(std::move(parser.handler().refused));
  }
  if (ec == boost::json::error::too_deep) {
    return Refused("is nested too deeply");
  }
  if (ec || used != json.size()) {
    return Refused("is not JSON");
  }
  return std::move(parser.handler().members);
}

const Member* FindMember(const std::vector<Member>& members, std::string_view name) {
  const auto found = std::find_if(
      members.begin(), members.end(), [&](const Member& member) { return member.name == name; });
  return found == members.end() ? nullptr : &*found;
}

}  // namespace connector::jose
