#pragma once

// The attack tables: text files under tests/data/framing, read into rows. The format stands in
// tests/data/framing/README.md.

#include "tests/integration/dataplane/framing/strict_http.h"

#include <map>
#include <string>
#include <vector>

namespace connector::framing {

// What one upstream may see of a row.
struct Expected {
  std::string method;
  std::string target;
  BodyKind kind = BodyKind::kNone;
  std::string body = {};
  bool unfinished = false;  // "at most": nothing, or a part that was cut off, never the whole.
  std::vector<std::pair<std::string, std::string>> with = {};  // Fields that must stand.
};

// One answer to the client.
struct Answer {
  int status = 0;
  bool head_only = false;  // To a HEAD.
  bool has_body = false;   // `body` is compared.
  std::string says = {};   // Stands somewhere in the body.
  bool cut = false;        // The connection ends before the body does.
  std::string body;
};

struct Row {
  std::string name;
  std::string file;
  std::string bytes;  // What the client sends.
  std::vector<Answer> answers;
  bool silence = false;  // Nothing follows the answers: the client says that it is done.
  bool closes = false;   // The data plane ends the connection after the last answer.
  std::vector<Expected> upstream;
  // Response tables: what the registry does, request by request.
  struct Scripted {
    std::string early;
    std::string answer;
    bool close = false;
  };
  std::vector<Scripted> scripts;
  std::string rest;             // Sent by the client when the registry has seen the head.
  std::string later;            // Sent by the registry when the client has its answer.
  bool next_is_reused = false;  // Whether the next request goes out on the same connection.
  bool checks_next = false;
};

using Macros = std::map<std::string, std::string>;

// All rows of `path` with `macros` put in. Throws, naming file and line, on what is not a row.
[[nodiscard]] std::vector<Row> ReadRows(const std::string& path, const Macros& macros);

}  // namespace connector::framing
