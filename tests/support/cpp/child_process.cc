#include "tests/support/cpp/child_process.h"

#include "tests/support/cpp/source_tree.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace connector::testing_support {

std::string PeerProgram(const std::string& name) {
  std::ifstream peers(SourcePath("tests/support/peers/peers.txt"));
  for (std::string line; std::getline(peers, line);) {
    std::istringstream words(line);
    std::string found;
    std::string version;
    if (words >> found >> version && found == name) {
      const char* cache = std::getenv("XDG_CACHE_HOME");
      return std::string(cache == nullptr ? "/var/cache" : cache) + "/oci-connector/peers/" + name +
             "-" + version + "/" + name;
    }
  }
  throw std::runtime_error("peers.txt does not name " + name);
}

std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

pid_t StartChild(const std::string& program,
                 const std::vector<std::string>& arguments,
                 const std::string& home,
                 const std::string& log) {
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) {
    return child;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  ::setenv("HOME", home.c_str(), 1);
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

bool HasEnded(pid_t& child) {
  if (child > 0 && ::waitpid(child, nullptr, WNOHANG) != 0) {
    child = -1;
  }
  return child < 0;
}

void KillChild(pid_t& child) {
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    child = -1;
  }
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace connector::testing_support
