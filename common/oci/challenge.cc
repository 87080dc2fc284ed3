#include "common/oci/challenge.h"

#include "common/base/ascii.h"

#include <algorithm>
#include <map>
#include <optional>

namespace connector::oci {
namespace {

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsTokenCharacter(char c) {
  return IsAlphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken68Character(char c) {
  return IsAlphanumeric(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

bool IsControl(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
}

using Parameters = std::map<std::string, std::string>;

// Reads one field line from left to right.
class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }

  bool SkipSpace() {
    const std::size_t count = std::min(rest_.find_first_not_of(" \t"), rest_.size());
    rest_.remove_prefix(count);
    return count > 0;
  }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view TakeToken() { return TakeWhile(IsTokenCharacter); }

  // `name OWS = OWS value`, or nothing taken. A scheme followed by another parameter never matches,
  // because no "=" stands after a scheme's name.
  std::optional<std::pair<std::string, std::string>> TakeParameter() {
    const std::string_view start = rest_;
    const std::string_view name = TakeToken();
    SkipSpace();
    if (!name.empty() && Take('=')) {
      SkipSpace();
      if (std::optional<std::string> value = TakeValue()) {
        return std::pair(Lower(name), *std::move(value));
      }
    }
    rest_ = start;
    return std::nullopt;
  }

  // token68, which must fill the rest of its list element; or nothing taken.
  bool TakeToken68() {
    const std::string_view start = rest_;
    const bool some = !TakeWhile(IsToken68Character).empty();
    while (Take('=')) {
    }
    SkipSpace();
    if (some && (rest_.empty() || rest_.front() == ',')) {
      return true;
    }
    rest_ = start;
    return false;
  }

 private:
  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const std::string_view taken =
        rest_.substr(0, static_cast<std::size_t>(std::distance(rest_.begin(), end)));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> TakeValue() {
    if (!Take('"')) {
      const std::string_view token = TakeToken();
      return token.empty() ? std::nullopt : std::optional(std::string(token));
    }
    std::string value;
    while (!rest_.empty()) {
      if (Take('"')) {
        return value;
      }
      if (Take('\\') && rest_.empty()) {
        break;
      }
      value.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

// Others are not used: a scope that is given twice is harmless.
bool DecidesWhereToAsk(std::string_view parameter) {
  return parameter == "realm" || parameter == "service";
}

// What stands between one scheme and the next. Leaves the reader at the end or at the next scheme;
// `separated` says whether a comma stood last, without which no scheme may follow.
Result<Parameters> ReadParameters(ChallengeReader& reader, bool& separated) {
  Parameters parameters;
  separated = false;
  const bool spaced = reader.SkipSpace();
  bool blank = false;
  if (spaced && reader.TakeToken68()) {
    return parameters;
  }
  while (!reader.AtEnd()) {
    std::optional<std::pair<std::string, std::string>> parameter = reader.TakeParameter();
    if (!parameter) {
      break;
    }
    // Some registries write blanks between parameters, and clients read them.
    if (parameters.empty() ? !spaced : !(separated || blank)) {
      return Invalid("a challenge's parameters are not separated");
    }
    const auto [first, fresh] = parameters.try_emplace(parameter->first, parameter->second);
    if (!fresh && first->second != parameter->second && DecidesWhereToAsk(parameter->first)) {
      return Invalid("a challenge repeats its " + parameter->first);
    }
    blank = reader.SkipSpace();
    separated = false;
    while (reader.Take(',')) {
      separated = true;
      reader.SkipSpace();
    }
  }
  return parameters;
}

Result<std::optional<Challenge>> MakeChallenge(const std::string& scheme, Parameters parameters) {
  if (scheme != "basic" && scheme != "bearer") {
    return std::optional<Challenge>();
  }
  if (parameters["realm"].empty()) {
    return Invalid("a challenge has no realm");
  }
  if (scheme == "basic") {
    return std::optional<Challenge>(BasicChallenge{std::move(parameters["realm"])});
  }
  return std::optional<Challenge>(BearerChallenge{std::move(parameters["realm"]),
                                                  std::move(parameters["service"]),
                                                  std::move(parameters["scope"])});
}

Result<Done> ParseLine(std::string_view line, std::vector<Challenge>& found) {
  if (std::any_of(line.begin(), line.end(), IsControl)) {
    return Invalid("a challenge holds a control character");
  }
  ChallengeReader reader(line);
  reader.SkipSpace();
  bool separated = true;
  while (!reader.AtEnd()) {
    if (reader.Take(',')) {
      separated = true;
      reader.SkipSpace();
      continue;
    }
    const std::string scheme = Lower(reader.TakeToken());
    if (scheme.empty() || !separated) {
      return Invalid("the text is not a list of challenges");
    }
    Result<Parameters> parameters = ReadParameters(reader, separated);
    if (!parameters) {
      return std::move(parameters).error();
    }
    Result<std::optional<Challenge>> challenge = MakeChallenge(scheme, *std::move(parameters));
    if (!challenge) {
      return std::move(challenge).error();
    }
    if (*challenge) {
      found.push_back(**std::move(challenge));
    }
  }
  return Done{};
}

}  // namespace

Result<std::vector<Challenge>> ParseChallenges(std::span<const std::string_view> lines) {
  std::size_t bytes = 0;
  for (const std::string_view line : lines) {
    bytes += line.size();
  }
  if (bytes > kMaxChallengeBytes) {
    return Invalid("the challenges are too long");
  }
  std::vector<Challenge> found;
  for (const std::string_view line : lines) {
    if (const Result<Done> parsed = ParseLine(line, found); !parsed) {
      return parsed.error();
    }
  }
  if (found.empty()) {
    return Invalid("there is no Basic and no Bearer challenge");
  }
  return found;
}

Result<std::vector<Challenge>> ParseChallenges(std::string_view line) {
  return ParseChallenges(std::span<const std::string_view>(&line, 1));
}

}  // namespace connector::oci
