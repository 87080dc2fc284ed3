#pragma once

// A tag list tells the repository's name in its body: the only body that is rewritten, so that a
// client reads the name that it asked for (docs/rules.md "Bodies").
//
// Pure. It keeps no part of the list, which may have any length. Blob and manifest bytes are never
// touched.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace connector::dataplane::oci {

class TagListRenamer {
 public:
  // Matches the repository grammar, so it needs no escaping.
  explicit TagListRenamer(std::string client_name) : client_name_(std::move(client_name)) {}

  // Appends to `out` what goes on in the place of `bytes`, which are the next of the list: the
  // same, but for the text of the first `"name"` in the outermost object. What is no object goes on
  // as it is.
  void Append(std::string_view bytes, std::string& out);

 private:
  enum class State : std::uint8_t {
    kBefore,   // The object.
    kOutside,  // Of strings.
    kKey,      // Of the outermost object.
    kText,
    kName,  // The registry's, which is left out.
    kAsItIs,
  };

  State Outside(char c);
  State InKey(char c);
  // Does the string end with this byte?
  bool EndsString(char c);

  std::string client_name_;
  State state_ = State::kBefore;
  std::size_t depth_ = 0;
  std::size_t key_bytes_ = 0;
  bool expects_key_ = false;
  bool key_is_name_ = false;
  bool value_is_name_ = false;  // A string that begins here.
  bool escaped_ = false;
};

}  // namespace connector::dataplane::oci
