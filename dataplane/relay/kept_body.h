#pragma once

// KeptBody: the bytes of a small body that have been relayed, kept until the registry's answer
// begins, so that the request can be sent once more (docs/rules.md "Retry"). All bodies share one
// budget, divided by subject. One that is too long, or finds no room, is let go as a whole: then
// the client has to send it again.

#include "common/resilience/shared_budget.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace connector::dataplane::relay {

using KeptBodyBudget = resilience::SharedBudget<std::string>;

class KeptBody {
 public:
  // `budget` outlives it.
  KeptBody(KeptBodyBudget& budget, std::string subject, std::uint64_t max_bytes)
      : budget_(budget), subject_(std::move(subject)), max_bytes_(max_bytes) {}
  ~KeptBody() { LetGo(); }
  KeptBody(const KeptBody&) = delete;
  KeptBody& operator=(const KeptBody&) = delete;

  void Append(std::string_view bytes) {
    if (lost_ || bytes.empty()) {
      return;
    }
    if (bytes.size() > max_bytes_ - bytes_.size() ||
        budget_.Take(subject_, bytes.size()) != KeptBodyBudget::Answer::kTaken) {
      LetGo();
      return;
    }
    taken_ += bytes.size();
    bytes_.append(bytes);
  }

  void LetGo() {
    lost_ = true;
    bytes_ = std::string();
    if (taken_ > 0) {
      budget_.GiveBack(subject_, std::exchange(taken_, 0));
    }
  }

  // Is all that was appended still here?
  [[nodiscard]] bool at_hand() const { return !lost_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  KeptBodyBudget& budget_;
  const std::string subject_;
  const std::uint64_t max_bytes_;
  std::string bytes_;
  std::uint64_t taken_ = 0;
  bool lost_ = false;
};

}  // namespace connector::dataplane::relay
