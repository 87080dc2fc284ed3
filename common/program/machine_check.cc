#include "common/program/machine_check.h"

#include "common/connections/listen_address.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace connector::program {
namespace {

// Empty: it can be opened.
std::string WhyNotOpened(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return std::generic_category().message(errno);
  }
  ::close(fd);
  return {};
}

}  // namespace

void MachineCheck::Complain(const std::string& path, std::string message) {
  problems_.push_back({file_, 0, path, std::move(message)});
}

void MachineCheck::Listening(const std::string& path, const std::string& address) {
  const auto endpoint = connections::ParseListenAddress(address);
  const Result<Done> may =
      endpoint ? connections::CheckListening(*endpoint) : Result<Done>(endpoint.error());
  if (!may) {
    Complain(path, address + " " + may.error().message);
  }
}

void MachineCheck::Usable(const std::string& path,
                          const std::string& file,
                          const Result<Done>& sound) {
  if (!sound) {
    Complain(path, file + ": " + sound.error().message);
  }
}

void MachineCheck::ReadableDirectory(const std::string& path, const std::string& directory) {
  if (std::string why = WhyNotOpened(directory); !why.empty()) {
    Complain(path, directory + " cannot be read: " + why);
  }
}

void MachineCheck::WritableDirectory(const std::string& path, const std::string& directory) {
  std::string why;
  if (::mkdir(directory.c_str(), S_IRWXU) == 0) {
    ::rmdir(directory.c_str());
  } else if (errno != EEXIST) {
    why = std::generic_category().message(errno);
  } else if (why = WhyNotOpened(directory);
             why.empty() && ::access(directory.c_str(), W_OK | X_OK) != 0) {
    why = std::generic_category().message(errno);
  }
  if (!why.empty()) {
    Complain(path, directory + " cannot be written: " + why);
  }
}

}  // namespace connector::program
