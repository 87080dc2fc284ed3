#include "dataplane/oci/sealed_target.h"

#include "common/base/ascii.h"
#include "common/oci/reference.h"
#include "dataplane/addressing/query.h"

#include <algorithm>
#include <array>

namespace connector::dataplane::oci {
namespace {

using http::Url;

// What we write into a head is read as this URL and as no other: a sealed state may hold any bytes,
// a line break as well.
bool IsExact(const Url& url) {
  const Result<Url> again = http::ParseUrl(url.ToString());
  return again && *again == url && url.Target().size() <= kMaxUploadTargetBytes;
}

// Keys by which a registry is asked for another repository (a mount), another registry or another
// method.
bool NamesAnother(std::string_view query) {
  constexpr std::array<std::string_view, 4> kKeys = {"mount", "from", "ns", "_method"};
  return addressing::MayHoldKey(query, kKeys);
}

bool IsUploadWord(std::string_view segment) {
  return segment == "uploads" || segment == "upload";
}

bool IsUploadId(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-._~=+:,@").find(c) != std::string_view::npos;
         });
}

// What stands before "/uploads/<id>"; nothing when the path does not end so.
std::string_view BeforeUpload(std::string_view path) {
  const std::size_t id = path.rfind('/');
  if (id == 0 || id == std::string_view::npos || !IsUploadId(path.substr(id + 1))) {
    return {};
  }
  path = path.substr(0, id);
  const std::size_t word = path.rfind('/');
  return IsUploadWord(path.substr(word + 1)) ? path.substr(0, word) : std::string_view();
}

// Google's registries go on at /artifacts-uploads/.../uploads/<id>, and Artifactory below its own
// full path. A server that is not exact must not read it as a path of the API.
bool IsUploadOutsideTheApi(std::string_view before) {
  if (before.empty() || before.find_first_of("%\\;") != std::string_view::npos) {
    return false;
  }
  for (bool first = true; !before.empty(); first = false) {
    before.remove_prefix(1);
    const std::string_view segment = before.substr(0, before.find('/'));
    if (segment.empty() || segment == "." || segment == ".." || (first && Lower(segment) == "v2")) {
      return false;
    }
    before.remove_prefix(segment.size());
  }
  return true;
}

// An upload of whatever repository: the one behind a virtual repository, for example.
bool IsUploadInTheApi(std::string_view before) {
  constexpr std::string_view kRoot = "/v2/";
  constexpr std::string_view kBlobs = "/blobs";
  return before.size() > kRoot.size() + kBlobs.size() && before.starts_with(kRoot) &&
         before.ends_with(kBlobs) &&
         connector::oci::IsRepository(
             before.substr(kRoot.size(), before.size() - kRoot.size() - kBlobs.size()));
}

}  // namespace

HopDecision DecideUploadTarget(const EgressPolicy& policy, std::string_view repository, Url url) {
  if (!IsExact(url)) {
    return HopRefusal::kNoLocation;
  }
  HopDecision decision = DecideOrigin(policy, std::move(url));
  auto* const hop = std::get_if<NextHop>(&decision);
  if (hop == nullptr) {
    return decision;
  }
  if (!hop->allow_private_address) {
    return HopRefusal::kHostNotListed;
  }
  if (hop->url.origin != policy.address) {
    return decision;
  }
  const std::string_view before = BeforeUpload(hop->url.path);
  const std::string own = "/v2/" + std::string(repository) + "/blobs";
  const bool outside = IsUploadOutsideTheApi(before);
  hop->send_credential = before == own || (outside && before.ends_with(own)) ||
                         (policy.scoped_credential && (outside || IsUploadInTheApi(before)));
  if (!(hop->send_credential || outside) || NamesAnother(hop->url.query)) {
    return HopRefusal::kNotThisUpload;
  }
  return decision;
}

HopDecision DecideUploadLocation(const EgressPolicy& policy,
                                 std::string_view repository,
                                 const Url& asked,
                                 std::string_view location) {
  Result<Url> url = http::ResolveReference(asked, location);
  if (!url) {
    return HopRefusal::kNoLocation;
  }
  return DecideUploadTarget(policy, repository, *std::move(url));
}

bool IsPageUrl(const Url& url) {
  return IsExact(url) && !NamesAnother(url.query);
}

}  // namespace connector::dataplane::oci
