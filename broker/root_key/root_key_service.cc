#include "broker/root_key/root_key_service.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace connector::broker::root_key {
namespace {

// The current one is left out.
std::string OtherIds(const RootKeys& keys) {
  std::string out;
  for (std::size_t i = 1; i < keys.all().size(); ++i) {
    out.append(out.empty() ? "" : ", ").append(IdOf(keys.all()[i]));
  }
  return out.empty() ? "none" : out;
}

RootKeys CloneOf(const RootKeys& keys) {
  std::vector<Secret> others;
  for (std::size_t i = 1; i < keys.all().size(); ++i) {
    others.push_back(keys.all()[i].Clone());
  }
  return RootKeys(keys.current().Clone(), std::move(others));
}

}  // namespace

RootKeyService::RootKeyService(const std::string& file, Parts parts)
    : file_(file), parts_(std::move(parts)), reader_([file] { return ReadRootKeys(file); }) {}

RootKeyService::~RootKeyService() {
  Stop(Deadline::max());
}

Result<Done> RootKeyService::Start() {
  thread_.Start(kPollInterval, [this] {
    Poll();
    return kPollInterval;
  });
  return Done{};
}

void RootKeyService::Stop(Deadline /*deadline*/) {
  thread_.Stop();
}

void RootKeyService::Poll() {
  const Result<RootKeys>* const reading = reader_.Poll();
  if (reading == nullptr) {
    return;
  }
  std::string problem = Take(*reading);
  if (!problem.empty()) {
    parts_.logger.Error("could not use the root key files; what was in force stays so",
                        {{"error", problem}});
  }
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

std::string RootKeyService::Take(const Result<RootKeys>& reading) {
  if (!reading) {
    return reading.error().message;
  }
  const RootKeysPtr in_force = parts_.active.Current();
  if (*reading == *in_force) {
    return {};
  }
  if (!reading->Holds(in_force->current())) {
    return file_ + " has another key, and " + file_ +
           ".previous has not the one in force; write that there, or restart the broker to drop "
           "it at once";
  }
  const auto next = std::make_shared<const RootKeys>(CloneOf(*reading));
  parts_.active.Replace(next);
  parts_.logger.Info("root keys changed",
                     {{"current", IdOf(next->current())}, {"also_accepted", OtherIds(*next)}});
  if (parts_.on_change) {
    parts_.on_change(next);
  }
  return {};
}

void RootKeyService::AddReadiness(admin::Readiness& readiness) const {
  const std::lock_guard lock(mutex_);
  if (!problem_.empty()) {
    readiness.degraded.push_back(
        "the root key files cannot be used, and the keys of before stay in force: " + problem_);
  }
}

void RootKeyService::AddStatus(admin::StatusReport& status) const {
  const RootKeysPtr keys = parts_.active.Current();
  const std::lock_guard lock(mutex_);
  status.sections.push_back({"Root key",
                             {{"Current", IdOf(keys->current())},
                              {"Also accepted", OtherIds(*keys)},
                              {"Problem", problem_.empty() ? "none" : problem_}}});
}

}  // namespace connector::broker::root_key
