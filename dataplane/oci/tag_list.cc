#include "dataplane/oci/tag_list.h"

namespace connector::dataplane::oci {
namespace {

constexpr std::string_view kName = "name";

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

bool TagListRenamer::EndsString(char c) {
  if (escaped_) {
    escaped_ = false;
    return false;
  }
  escaped_ = c == '\\';
  return c == '"';
}

TagListRenamer::State TagListRenamer::Outside(char c) {
  if (IsSpace(c)) {
    return State::kOutside;
  }
  const bool renames = value_is_name_;
  value_is_name_ = c == ':' && depth_ == 1 && key_is_name_;
  switch (c) {
    case '"':
      if (depth_ == 1 && expects_key_) {
        key_bytes_ = 0;
        key_is_name_ = true;
        return State::kKey;
      }
      return renames ? State::kName : State::kText;
    case '{':
    case '[':
      ++depth_;
      break;
    case '}':
    case ']':
      --depth_;
      return depth_ == 0 ? State::kAsItIs : State::kOutside;
    case ',':
    case ':':
      expects_key_ = c == ',';
      break;
    default:
      break;
  }
  return State::kOutside;
}

TagListRenamer::State TagListRenamer::InKey(char c) {
  if (EndsString(c)) {
    key_is_name_ = key_is_name_ && key_bytes_ == kName.size();
    return State::kOutside;
  }
  key_is_name_ = key_is_name_ && key_bytes_ < kName.size() && c == kName[key_bytes_];
  ++key_bytes_;
  return State::kKey;
}

void TagListRenamer::Append(std::string_view bytes, std::string& out) {
  std::size_t kept = 0;  // From here on, bytes are to be appended yet.
  for (std::size_t i = 0; i < bytes.size() && state_ != State::kAsItIs; ++i) {
    const char c = bytes[i];
    switch (state_) {
      case State::kBefore:
        depth_ = 1;
        expects_key_ = true;
        if (!IsSpace(c)) {
          state_ = c == '{' ? State::kOutside : State::kAsItIs;
        }
        break;
      case State::kOutside:
        state_ = Outside(c);
        if (state_ == State::kName) {
          out.append(bytes.substr(kept, i + 1 - kept)).append(client_name_);
          kept = i + 1;
        }
        break;
      case State::kKey:
        state_ = InKey(c);
        break;
      case State::kText:
        state_ = EndsString(c) ? State::kOutside : State::kText;
        break;
      case State::kName:
        kept = i + 1;
        if (EndsString(c)) {
          kept = i;
          state_ = State::kAsItIs;
        }
        break;
      case State::kAsItIs:
        break;
    }
  }
  out.append(bytes.substr(kept));
}

}  // namespace connector::dataplane::oci
