#include "broker/deny_list/deny_list_service.h"

#include "broker/audit/own_records.h"
#include "broker/deny_list/deny_list_config_map.h"
#include "broker/deny_list/deny_list_file.h"
#include "broker/deny_list/read_deny_list.h"
#include "common/async/block_on.h"
#include "common/metrics/families.h"

#include <algorithm>
#include <array>
#include <utility>

namespace connector::broker::deny_list {
namespace {

// What stands in `a` and not in `b`, for people.
std::vector<std::string> Missing(const std::vector<DeniedEntry>& a,
                                 const std::vector<DeniedEntry>& b) {
  std::vector<std::string> out;
  for (const DeniedEntry& entry : a) {
    if (std::find(b.begin(), b.end(), entry) == b.end()) {
      out.push_back(Describe(entry));
    }
  }
  return out;
}

// One text for every kEntriesPerRecord entries: all stand in the audit, and no record grows.
void AddTexts(std::vector<std::string>& out,
              std::string_view verb,
              const std::vector<std::string>& what) {
  for (std::size_t first = 0; first < what.size(); first += kEntriesPerRecord) {
    std::string text(verb);
    for (std::size_t i = first; i < std::min(first + kEntriesPerRecord, what.size()); ++i) {
      text.append(i == first ? " " : ", ").append(what[i]);
    }
    out.push_back(std::move(text));
  }
}

}  // namespace

DenyListService::DenyListService(std::unique_ptr<DenyListOrigin> origin, Parts parts)
    : origin_(std::move(origin)), parts_(std::move(parts)) {}

DenyListService::~DenyListService() {
  Stop(Deadline::max());
}

std::chrono::steady_clock::duration DenyListService::Silence() const {
  return std::max(origin_->Silence(), std::chrono::steady_clock::now() - looked_at_.load());
}

Result<Done> DenyListService::Start() {
  origin_->Start();
  Look();  // So that a file is in force before the first call comes.
  thread_.Start(kPollInterval, [this] {
    Look();
    RecordChanges();
    RecordRefusedPeers();
    return kPollInterval;
  });
  return Done{};
}

void DenyListService::Stop(Deadline deadline) {
  if (thread_.Stop()) {
    origin_->Stop(deadline);
  }
}

void DenyListService::Look() {
  if (const std::optional<DenyListReading> reading = origin_->Poll()) {
    Take(*reading);
  } else if (const auto at = parts_.active.Current()->changes_at();
             (at && *at <= parts_.clock.Now()) || used_keys_ != parts_.root_keys.Current()) {
    Apply();
  }
  looked_at_ = std::chrono::steady_clock::now();
}

void DenyListService::Take(const DenyListReading& reading) {
  Result<std::vector<DeniedEntry>> entries =
      reading.text ? ReadDenyList(*reading.text, origin_->Name())
                   : Result<std::vector<DeniedEntry>>(reading.text.error());
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    revision_ = reading.revision;
    problem_ = entries        ? std::string()
               : reading.text ? entries.error().message
                              : origin_->Name() + ": " + entries.error().message;
    first = entries && !std::exchange(read_, true);
  }
  if (!entries) {
    parts_.logger.Error("could not use the deny list; what was in force stays so",
                        {{"source", origin_->Name()}, {"error", entries.error().message}});
    return;
  }
  entries_ = *std::move(entries);
  Apply();
  if (first && parts_.when_read) {
    parts_.when_read();
  }
}

void DenyListService::Apply() {
  used_keys_ = parts_.root_keys.Current();
  auto next = std::make_shared<const DenyList>(entries_, parts_.clock.Now(), *used_keys_);
  const ActiveDenyList::ListPtr before = parts_.active.Current();
  if (next->entries() == before->entries()) {
    if (next->version() != before->version()) {
      parts_.active.Replace(std::move(next));  // The same list, under other keys.
    }
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    changed_at_ = parts_.clock.Now();
  }
  parts_.logger.Info("deny list changed",
                     {{"source", origin_->Name()}, {"entries", next->entries().size()}});
  parts_.active.Replace(std::move(next));
}

// In force first, recorded then: without its record nobody is issued anything anyway. What the disk
// refuses is tried again, against what is in force by then.
void DenyListService::RecordChanges() {
  const ActiveDenyList::ListPtr now = parts_.active.Current();
  if (now->entries() == recorded_) {
    return;
  }
  std::vector<std::string> texts;
  AddTexts(texts, "denies", Missing(now->entries(), recorded_));
  AddTexts(texts, "no longer denies", Missing(recorded_, now->entries()));
  std::string source = origin_->Name();
  {
    const std::lock_guard lock(mutex_);
    source += revision_.empty() ? "" : ", " + revision_;
  }
  for (const std::string& text : texts) {
    if (!Append(audit::DenyListRecord(parts_.clock.Now(), source + ": " + text))) {
      return;
    }
  }
  recorded_ = now->entries();
}

void DenyListService::RecordRefusedPeers() {
  for (const auto& [name, calls] : parts_.active.TakeRefusedPeers()) {
    peers_[name].calls += calls;
  }
  const WallTime now = parts_.clock.Now();
  for (auto& [name, peer] : peers_) {
    const bool due = !peer.recorded_at || now - *peer.recorded_at >= kPeerRecordInterval;
    if (peer.calls > 0 && due &&
        Append(audit::DeniedPeerRecord(now, name, std::to_string(peer.calls) + " calls refused"))) {
      peer = {0, now};
    }
  }
  std::erase_if(peers_, [now](const auto& peer) {
    return peer.second.calls == 0 && now - *peer.second.recorded_at >= kPeerRecordInterval;
  });
}

bool DenyListService::Append(auditlog::Event event) {
  return BlockOn(parts_.executor, parts_.audit.Append(std::move(event))).has_value();
}

std::vector<prometheus::MetricFamily> DenyListService::Metrics() const {
  constexpr std::array kKinds = {
      DeniedKind::kSubject, DeniedKind::kNamespace, DeniedKind::kTokenId, DeniedKind::kDataplane};
  const ActiveDenyList::ListPtr list = parts_.active.Current();
  metrics::Families out;
  for (const DeniedKind kind : kKinds) {
    out.Gauge("connector_broker_deny_list_entries",
              "Entries of the deny list in force, by what they deny.",
              {{"kind", std::string(ToString(kind))}},
              static_cast<double>(list->size(kind)));
  }
  for (const DeniedKind kind : kKinds) {
    out.Counter("connector_broker_deny_list_refusals_total",
                "Calls refused because of the deny list, by what it denies.",
                {{"kind", std::string(ToString(kind))}},
                static_cast<double>(parts_.active.refused(kind)));
  }
  const std::lock_guard lock(mutex_);
  out.Gauge("connector_broker_deny_list_broken",
            "1 while the deny list cannot be used and the last good one stays in force, else 0.",
            {},
            problem_.empty() && read_ ? 0 : 1);
  out.Gauge("connector_broker_deny_list_age_seconds",
            "Time since the deny list in force changed; 0 before the first entry.",
            {},
            changed_at_ == WallTime{}
                ? 0
                : std::chrono::duration<double>(parts_.clock.Now() - changed_at_).count());
  return out.Take();
}

void DenyListService::AddReadiness(admin::Readiness& readiness) const {
  const std::lock_guard lock(mutex_);
  if (!read_) {
    readiness.reasons.push_back("the deny list was not read yet, so that nothing is granted: " +
                                (problem_.empty() ? origin_->Name() : problem_));
  } else if (!problem_.empty()) {
    readiness.degraded.push_back(
        "the deny list cannot be used, and the last good one stays in force: " + problem_);
  }
  const std::chrono::steady_clock::duration silence = Silence();
  if (silence >= parts_.max_silence) {
    readiness.reasons.push_back(
        "changes of the deny list in " + origin_->Name() + " cannot be seen for " +
        std::to_string(std::chrono::floor<std::chrono::seconds>(silence).count()) +
        " s (resources.maxSilence), so that nothing new is granted");
  }
}

void DenyListService::AddStatus(admin::StatusReport& status) const {
  const ActiveDenyList::ListPtr list = parts_.active.Current();
  const std::lock_guard lock(mutex_);
  status.sections.push_back(
      {"Deny list",
       {{"Source", origin_->Name() + (revision_.empty() ? "" : ", " + revision_)},
        {"Entries", std::to_string(list->entries().size())},
        {"Version", list->version().empty() ? "none: it denies nobody" : list->version()},
        {"Problem", problem_.empty() ? "none" : problem_}}});
}

std::unique_ptr<DenyListService> MakeDenyListService(const std::optional<DenyListOptions>& options,
                                                     kube::ApiClient* client,
                                                     const DenyListService::Parts& parts) {
  if (!options) {
    return nullptr;
  }
  std::unique_ptr<DenyListOrigin> origin;
  if (options->config_map) {
    origin = std::make_unique<DenyListConfigMap>(
        *options->config_map,
        DenyListConfigMap::Parts{
            *client, parts.clock, parts.executor, parts.logger, parts.max_silence});
  } else {
    origin = std::make_unique<DenyListFile>(options->file);
  }
  return std::make_unique<DenyListService>(std::move(origin), parts);
}

}  // namespace connector::broker::deny_list
