#pragma once

// What must stand in the Secrets of an installation in Kubernetes, given what does: certificates of
// a private authority, and the brokers' root key. Pure: `pki cluster` reads and writes them.
//
// What is good is kept. A certificate is made anew when its end is near, when it has other names
// than are wanted, when it is not of the authority that is there, or when its Secret is empty. The
// authority is renewed with another key, over three runs (PlanAuthority in pki_secrets.cc), so that
// peers trust each other throughout.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/x509/x509_certificates.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace connector::cli {

struct ClusterPki {
  std::string prefix;  // Of the Secrets' names: PREFIX-ca, PREFIX-broker-tls, ...
  std::vector<std::string> broker_dns;
  std::vector<std::string> listener_dns;  // Empty: no certificate for the data plane's listener.
  std::chrono::hours lifetime{90 * 24};
  std::chrono::hours renew_before{30 * 24};
  bool root_key_only = false;
};

using SecretData = std::map<std::string, Secret>;  // Of one Secret, by key.

struct SecretState {
  std::string name;
  SecretData data;
};

struct SecretChange {
  std::string name;
  SecretData data;
  std::string why;  // "was empty"
};

// Whose data PlanSecrets wants to see, the authority first.
[[nodiscard]] std::vector<std::string> SecretNames(const ClusterPki& wanted);

// What to write, in this order. Fails with kInvalidArgument for an authority or a root key that is
// there and cannot be used: neither is replaced without being asked, because everything hangs on
// it.
[[nodiscard]] Result<std::vector<SecretChange>> PlanSecrets(const ClusterPki& wanted,
                                                            const std::vector<SecretState>& present,
                                                            WallTime now);

}  // namespace connector::cli
