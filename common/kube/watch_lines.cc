#include "common/kube/watch_lines.h"

#include <utility>

namespace connector::kube {

bool WatchLines::Feed(std::string_view bytes,
                      const std::function<bool(std::string_view)>& on_line) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (max_line_ - partial_->size() < piece.size()) {
      return false;
    }
    if (end == std::string_view::npos) {
      partial_->Append(piece);
      return true;
    }
    bytes.remove_prefix(end + 1);
    std::string_view line = piece;
    std::unique_ptr<curl::WipedBuffer> whole;
    if (partial_->size() > 0) {
      partial_->Append(piece);
      whole = std::exchange(partial_, std::make_unique<curl::WipedBuffer>());
      line = whole->view();
    }
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty() && !on_line(line)) {
      return false;
    }
  }
  return true;
}

}  // namespace connector::kube
