#include "controller/status/spec_check.h"

#include "common/resource/directory.h"

#include <algorithm>
#include <utility>

namespace connector::controller::status {
namespace {

using resource::Kind;

constexpr std::string_view kClassPath = "spec.connectorClassName";
constexpr std::string_view kAuthPath = "spec.auth.name";
constexpr std::string_view kAddressPath = "spec.address";
constexpr std::string_view kRealmPath = "spec.upstream.tokenRealm";

std::string Sentence(const config::Problem& problem) {
  return problem.path.empty() ? problem.message : problem.path + ": " + problem.message;
}

std::string Sentences(const std::vector<config::Problem>& problems) {
  std::string out;
  for (const config::Problem& problem : problems) {
    out.append(out.empty() ? "" : "; ").append(Sentence(problem));
  }
  constexpr std::size_t kMaxMessageBytes = 4096;  // The API takes 32 KiB; people read less.
  if (out.size() > kMaxMessageBytes) {
    out.resize(kMaxMessageBytes);
  }
  return out;
}

SpecCheck Failed(SpecCheck so_far, std::string reason, std::string message) {
  so_far.class_ready = {ConditionStatus::kFalse, std::move(reason), std::move(message)};
  so_far.sound = false;
  return so_far;
}

}  // namespace

SpecCheck CheckSpec(const boost::json::object& connector,
                    const std::vector<kube::ObjectPtr>& classes) {
  SpecCheck out;
  resource::FileDocuments parsed = resource::ParseObject(Kind::kConnector, connector);
  if (!parsed.problems.empty() || parsed.connectors.size() != 1) {
    return Failed(std::move(out), "SpecInvalid", Sentences(parsed.problems));
  }
  const resource::Connector& drafted = parsed.connectors.front().draft.connector;
  out.secret_class = resource::ToString(resource::ClassOf(drafted.auth.kind));
  out.needs_secret = drafted.auth.secret_name || drafted.auth.vault;
  const std::string class_name = drafted.class_name;

  std::vector<resource::FileDocuments> documents;
  for (const kube::ObjectPtr& each : classes) {
    if (each->name().name == class_name) {
      documents.push_back(resource::ParseObject(Kind::kConnectorClass, each->json()));
    }
  }
  const bool class_is_there = !documents.empty();
  documents.push_back(std::move(parsed));
  // Whether its Secrets are there is not ours to see: the broker's probes tell.
  for (const config::Problem& problem : resource::Assemble(std::move(documents)).problems) {
    if (problem.path == kClassPath) {
      return Failed(
          std::move(out), class_is_there ? "ClassInvalid" : "ClassNotFound", Sentence(problem));
    }
    if (problem.path == kAuthPath) {
      return Failed(std::move(out), "AuthNotAllowed", Sentence(problem));
    }
    if (problem.path == kAddressPath || problem.path == kRealmPath) {
      return Failed(std::move(out), "UpstreamNotAllowed", Sentence(problem));
    }
  }
  out.sound = true;
  out.class_ready = {
      ConditionStatus::kTrue, "ClassFound", "the ConnectorClass " + class_name + " allows it"};
  return out;
}

}  // namespace connector::controller::status
