#pragma once

// Pipe: kernel memory through which splice(2) moves bytes from one socket to another without
// showing them to this process. One per body under way; costs two descriptors.

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

namespace connector::dataplane::relay {

class Pipe {
 public:
  static constexpr int kBytes = 256 * 1024;  // What is asked for; the system may give less.

  Pipe() {
    if (::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0) {
      ::fcntl(ends_[1], F_SETPIPE_SZ, kBytes);
    }
  }
  ~Pipe() {
    if (ok()) {
      ::close(ends_[0]);
      ::close(ends_[1]);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] bool ok() const { return ends_[0] >= 0; }
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace connector::dataplane::relay
